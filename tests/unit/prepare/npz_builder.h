// .npy bytes and .npz files made the way NumPy makes them, and ways to damage them.
#pragma once

#include <zip.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kpi/tensor.h"

namespace paddock {

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

inline std::string NpyWithHeader(const std::string& dict, const std::string& elements, int version = 1) {
  const std::size_t fixed = version == 1 ? 10 : 12;
  std::string header = dict;
  header.append(63 - (fixed + header.size()) % 64, ' ');
  header += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (std::size_t i = 0; i < fixed - 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + header + elements;
}

inline std::string NpyDict(const std::string& descr, const Shape& shape,
                           const std::string& fortran = "False") {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += std::to_string(size) + ", ";
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': (" + sizes + "), }";
}

inline std::string Npy(const std::string& descr, const Shape& shape, const std::string& elements,
                       int version = 1) {
  return NpyWithHeader(NpyDict(descr, shape), elements, version);
}

inline void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct NpzMember {
  std::string name;  // as in the archive, with ".npy"
  std::string bytes;
};

inline void WriteNpz(const std::string& path, const std::vector<NpzMember>& members,
                     zip_int32_t method = ZIP_CM_DEFLATE) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  if (archive == nullptr) throw std::runtime_error("cannot create " + path);
  for (const NpzMember& member : members) {
    zip_source_t* source = zip_source_buffer(archive, member.bytes.data(), member.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, member.name.c_str(), source, 0);
    if (index < 0 || zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 0) != 0) {
      throw std::runtime_error("cannot add " + member.name);
    }
  }
  if (zip_close(archive) != 0) throw std::runtime_error("cannot write " + path);
}

}  // namespace paddock
