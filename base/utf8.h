// Whether bytes are text (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace paddock {

// Length of the UTF-8 sequence at the front of `text`, which is not empty; 0 when it is not well formed.
std::size_t Utf8SequenceLength(std::string_view text);

bool IsUtf8(std::string_view text);

// The beginning of `text`, at most so many bytes; no character is cut.
std::string_view FirstBytes(std::string_view text, std::size_t max_bytes);

// What a file calls something, for people: its first 200 bytes; "(not UTF-8)" for what is no text.
std::string Readable(std::string_view text);

}  // namespace paddock
