#include "base/digest.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include <openssl/evp.h>

namespace paddock {
namespace {

constexpr std::size_t kHexLength = 64;
constexpr std::size_t kReadBufferBytes = std::size_t{1} << 20;

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

struct Sha256::Context {
  struct Deleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Deleter> evp{EVP_MD_CTX_new()};
};

Result<Digest> Digest::Parse(std::string_view hex) {
  if (hex.size() != kHexLength) {
    return InvalidArgumentError("a digest has 64 lower-case hex characters, not " +
                                std::to_string(hex.size()));
  }
  if (!std::all_of(hex.begin(), hex.end(), IsLowerHex)) {
    return InvalidArgumentError("a digest has 64 lower-case hex characters; this one has others");
  }
  return Digest(std::string(hex));
}

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  PADDOCK_CHECK(context_->evp && EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1,
                "OpenSSL offers no SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  PADDOCK_CHECK(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) == 1, "SHA-256 failed");
}

void Sha256::Update(std::string_view bytes) { Update(std::as_bytes(std::span(bytes.data(), bytes.size()))); }

Digest Sha256::Finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PADDOCK_CHECK(EVP_DigestFinal_ex(context_->evp.get(), raw, &size) == 1, "SHA-256 was finished twice");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(kHexLength);
  for (unsigned int i = 0; i < size; ++i) {
    hex.push_back(kHex[raw[i] >> 4]);
    hex.push_back(kHex[raw[i] & 15]);
  }
  return Digest(std::move(hex));
}

Digest Sha256::Of(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

Result<Digest> HashFile(const std::string& path) {
  const std::string what = "cannot hash " + path;
  // O_NONBLOCK: a FIFO must not block the open; it means nothing for a regular file.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(errno, what);
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoStatus(errno, what);
  if (!S_ISREG(info.st_mode)) return FailedPreconditionError(what + ": not a regular file");
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);

  Sha256 hash;
  std::vector<char> buffer(kReadBufferBytes);
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, what);
    if (count == 0) return hash.Finish();
    hash.Update(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
}

}  // namespace paddock
