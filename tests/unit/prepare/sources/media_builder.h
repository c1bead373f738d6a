// Small images and recordings as files have them.
#pragma once

#include <cstdio>

#include <jpeglib.h>
#include <png.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace paddock {

// `pixels`: height * width * channels values; 1 channel is grey, 3 RGB, 4 RGB with alpha.
inline std::string Png(unsigned width, unsigned height, const std::vector<std::uint8_t>& pixels) {
  const std::size_t channels = pixels.size() / width / height;
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(image.message);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

// One colour everywhere; grey when channels is 1, CMYK when 4.
inline std::string Jpeg(unsigned width, unsigned height, const std::vector<std::uint8_t>& colour,
                        bool is_progressive = false) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &out, &size);
  encoder.image_width = width;
  encoder.image_height = height;
  encoder.input_components = static_cast<int>(colour.size());
  encoder.in_color_space = colour.size() == 1 ? JCS_GRAYSCALE : colour.size() == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 95, TRUE);
  if (is_progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<std::uint8_t> row;
  for (unsigned x = 0; x < width; ++x) row.insert(row.end(), colour.begin(), colour.end());
  JSAMPROW rows[] = {row.data()};
  while (encoder.next_scanline < height) jpeg_write_scanlines(&encoder, rows, 1);
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  std::free(out);
  return bytes;
}

inline std::string Little(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// `data`: frames as they stand in the file; kind 1 is PCM, 3 float.
inline std::string Wav(const std::string& data, std::uint32_t rate_hz = 16'000, std::uint32_t bits = 16,
                       std::uint32_t channels = 1, std::uint32_t kind = 1) {
  const std::uint32_t frame = channels * bits / 8;
  const std::string format = Little(kind, 2) + Little(channels, 2) + Little(rate_hz, 4) +
                             Little(rate_hz * frame, 4) + Little(frame, 2) + Little(bits, 2);
  const std::string body = "WAVEfmt " + Little(16, 4) + format + "LIST" + Little(3, 4) + "abc" + '\0' +
                           "data" + Little(static_cast<std::uint32_t>(data.size()), 4) + data;
  return "RIFF" + Little(static_cast<std::uint32_t>(body.size()), 4) + body;
}

}  // namespace paddock
