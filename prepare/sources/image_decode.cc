#include "prepare/sources/image_decode.h"

namespace paddock {

Result<Tensor> NewImage(std::uint64_t height, std::uint64_t width) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (height == 0 || width == 0) return InvalidArgumentError("has " + size + "; give an image");
  if (height > kMaxImageSide || width > kMaxImageSide || height * width > kMaxImagePixels) {
    return InvalidArgumentError("declares " + size + ", and at most " + std::to_string(kMaxImagePixels) +
                                " are decoded; scale the image down");
  }
  Tensor image{
      {"", ElementType::kUint8, {1, static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), 3}},
      {}};
  image.bytes.resize(height * width * 3);
  return image;
}

Result<Tensor> DecodeImage(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return DecodePng(bytes);
  if (bytes.starts_with("\xff\xd8\xff")) return DecodeJpeg(bytes);
  return InvalidArgumentError(
      "is no image that is read: it begins with the signature of neither PNG nor JPEG; convert it to PNG, or "
      "take it out");
}

}  // namespace paddock
