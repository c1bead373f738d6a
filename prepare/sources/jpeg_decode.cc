#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>
// After jpeglib.h.
#include <jerror.h>

#include "prepare/sources/image_decode.h"

namespace paddock {
namespace {

// A progressive image may ask for any number of passes over all pixels; no real one has this many.
constexpr int kMaxScans = 100;

// What libjpeg knows as its error manager and its monitor, with what they need.
struct JpegContext {
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char text[JMSG_LENGTH_MAX];
};

JpegContext& ContextOf(j_common_ptr common) { return *static_cast<JpegContext*>(common->client_data); }

[[noreturn]] void OnJpegError(j_common_ptr common) {
  JpegContext& context = ContextOf(common);
  common->err->format_message(common, context.text);
  std::longjmp(context.escape, 1);  // NOLINT(cert-err52-cpp): the only way out
}

// libjpeg goes on after damage and fills with grey; only bytes between parts are harmless.
void OnJpegMessage(j_common_ptr common, int level) {
  if (level < 0 && common->err->msg_code != JWRN_EXTRANEOUS_DATA) OnJpegError(common);
}

void OnJpegProgress(j_common_ptr common) {
  const auto* decoder = reinterpret_cast<j_decompress_ptr>(common);
  if (decoder->input_scan_number <= kMaxScans) return;
  std::snprintf(ContextOf(common).text, JMSG_LENGTH_MAX, "it has more than %d scans", kMaxScans);
  std::longjmp(ContextOf(common).escape, 1);  // NOLINT(cert-err52-cpp): the only way out
}

// libjpeg leaves these functions by longjmp, so they own nothing.
bool ReadJpegHeader(j_decompress_ptr decoder, JpegContext* context, std::string_view bytes) {
  if (setjmp(context->escape) != 0) return false;  // NOLINT(cert-err52-cpp): the only way out
  jpeg_create_decompress(decoder);
  decoder->client_data = context;
  decoder->progress = &context->progress;
  jpeg_mem_src(decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(decoder, TRUE);
  return true;
}

bool ReadJpegRows(j_decompress_ptr decoder, JpegContext* context, unsigned char* out) {
  if (setjmp(context->escape) != 0) return false;  // NOLINT(cert-err52-cpp): the only way out
  decoder->out_color_space = JCS_RGB;
  decoder->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(decoder);
  while (decoder->output_scanline < decoder->output_height) {
    JSAMPROW row = out + std::size_t{decoder->output_scanline} * decoder->output_width * 3;
    jpeg_read_scanlines(decoder, &row, 1);
  }
  jpeg_finish_decompress(decoder);
  return true;
}

struct JpegReader {
  JpegReader() {
    decoder.err = jpeg_std_error(&context.errors);
    decoder.client_data = &context;
    context.errors.error_exit = OnJpegError;
    context.errors.emit_message = OnJpegMessage;
    context.progress.progress_monitor = OnJpegProgress;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&decoder); }
  JpegContext context{};
  jpeg_decompress_struct decoder{};
};

Status BrokenJpeg(const JpegContext& context) {
  return InvalidArgumentError("is no whole JPEG image (" + std::string(context.text) +
                              "); it is truncated or damaged, save it anew or take it out");
}

}  // namespace

Result<Tensor> DecodeJpeg(std::string_view bytes) {
  JpegReader reader;
  if (!ReadJpegHeader(&reader.decoder, &reader.context, bytes)) return BrokenJpeg(reader.context);
  if (reader.decoder.num_components != 1 && reader.decoder.num_components != 3) {
    return InvalidArgumentError("is a JPEG of " + std::to_string(reader.decoder.num_components) +
                                " colour components (CMYK, for example); save it as RGB or grey");
  }
  PADDOCK_ASSIGN_OR_RETURN(Tensor image, NewImage(reader.decoder.image_height, reader.decoder.image_width));
  auto* out = reinterpret_cast<unsigned char*>(image.bytes.data());
  if (!ReadJpegRows(&reader.decoder, &reader.context, out)) return BrokenJpeg(reader.context);
  return image;
}

}  // namespace paddock
