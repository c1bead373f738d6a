#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "prepare/sources/image_decode.h"

namespace paddock {
namespace {

struct PngInput {
  const char* bytes;
  std::size_t size;
  char error[160];
};

void OnPngError(png_structp png, png_const_charp message) {
  auto* input = static_cast<PngInput*>(png_get_error_ptr(png));
  std::strncpy(input->error, message, sizeof(input->error) - 1);
  png_longjmp(png, 1);
}

void OnPngWarning(png_structp, png_const_charp) {}

void ReadPngBytes(png_structp png, png_bytep out, std::size_t size) {
  auto* input = static_cast<PngInput*>(png_get_io_ptr(png));
  if (size > input->size) png_error(png, "it ends too early");
  std::memcpy(out, input->bytes, size);
  input->bytes += size;
  input->size -= size;
}

// libpng leaves both functions by longjmp, so they own nothing.
bool ReadPngHeader(png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;  // NOLINT(cert-err52-cpp): the only way out
  png_set_user_limits(png, kMaxImageSide, kMaxImageSide);
  png_set_chunk_cache_max(png, 256);
  png_set_chunk_malloc_max(png, 4 << 20);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return true;
}

bool ReadPngRows(png_structp png, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;  // NOLINT(cert-err52-cpp): the only way out
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

struct PngReader {
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  explicit PngReader(PngInput* input)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, input, OnPngError, OnPngWarning)) {
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  png_structp png;
  png_infop info = nullptr;
};

Status BrokenPng(const PngInput& input) {
  return InvalidArgumentError("is no whole PNG image (" + std::string(input.error) +
                              "); it is truncated or damaged, save it anew or take it out");
}

}  // namespace

Result<Tensor> DecodePng(std::string_view bytes) {
  PngInput input{bytes.data(), bytes.size(), {}};
  const PngReader reader(&input);
  if (reader.info == nullptr) return Status(StatusCode::kResourceExhausted, "libpng has no memory");
  png_set_read_fn(reader.png, &input, ReadPngBytes);
  if (!ReadPngHeader(reader.png, reader.info)) return BrokenPng(input);
  const std::size_t width = png_get_image_width(reader.png, reader.info);
  const std::size_t height = png_get_image_height(reader.png, reader.info);
  PADDOCK_ASSIGN_OR_RETURN(Tensor image, NewImage(height, width));
  if (png_get_rowbytes(reader.png, reader.info) != 3 * width)
    return InternalError("libpng does not give three bytes a pixel");
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y)
    rows[y] = reinterpret_cast<png_bytep>(image.bytes.data()) + y * width * 3;
  if (!ReadPngRows(reader.png, rows.data())) return BrokenPng(input);
  return image;
}

}  // namespace paddock
