// SHA-256 content addresses. A Digest is 64 lower-case hex characters; it can only be made by hashing or by a parser that
// checks the form, so a digest that exists is safe to use as a file name. Errors name the file.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace paddock {

class Digest {
 public:
  Digest() = default;  // empty(): no digest
  static Result<Digest> Parse(std::string_view hex);

  const std::string& hex() const { return hex_; }
  // The first 12 characters, for people.
  std::string ShortHex() const { return hex_.substr(0, 12); }
  bool empty() const { return hex_.empty(); }
  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

// Incremental hash; one thread at a time. Finish() may be called once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  void Update(std::string_view bytes);
  Digest Finish();

  static Digest Of(std::string_view bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Hashes a regular file. NOT_FOUND, PERMISSION_DENIED or INTERNAL (read error) with the path.
Result<Digest> HashFile(const std::string& path);

}  // namespace paddock

template <>
struct std::hash<paddock::Digest> {
  std::size_t operator()(const paddock::Digest& digest) const noexcept {
    return std::hash<std::string>{}(digest.hex());
  }
};
