#include "prepare/onnx_arrays.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>

#include "prepare/onnx_graph.h"

namespace paddock {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

enum class Message { kModel, kGraph, kNode, kAttribute, kTensor };

// Walks the serialised messages by the field numbers of onnx.proto.
class ArrayWalk {
 public:
  ArrayWalk(std::string_view bytes, std::uint64_t min_bytes)
      : input_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())),
        min_bytes_(min_bytes) {}

  // To the end of the message; false when the bytes make none.
  bool Walk(Message message) {
    WordRange array{.offset = 0, .word_bytes = 0, .words = 0};
    std::uint64_t array_bytes = 0;
    while (const std::uint32_t tag = input_.ReadTag()) {
      const int field = WireFormatLite::GetTagFieldNumber(tag);
      const auto wire_type = WireFormatLite::GetTagWireType(tag);
      std::uint32_t number = 0;
      if (message == Message::kTensor && field == onnx::TensorProto::kDataTypeFieldNumber &&
          wire_type == WireFormatLite::WIRETYPE_VARINT) {
        if (!input_.ReadVarint32(&number)) return false;
        const auto type = ElementTypeOf(static_cast<std::int32_t>(number));
        array.word_bytes = type ? static_cast<std::uint32_t>(ElementSize(*type)) : 0;
        continue;
      }
      if (wire_type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (!WireFormatLite::SkipField(&input_, tag)) return false;
        continue;
      }
      if (!input_.ReadVarint32(&number) || number > std::numeric_limits<std::int32_t>::max()) return false;
      const int bytes = static_cast<int>(number);
      const auto offset = static_cast<std::uint64_t>(input_.CurrentPosition());
      if (const Message* const child = ChildOf(message, field)) {
        const auto limit = input_.PushLimit(bytes);
        if (!Walk(*child)) return false;
        input_.PopLimit(limit);
        continue;
      }
      if (message == Message::kTensor && (field == onnx::TensorProto::kRawDataFieldNumber ||
                                          field == onnx::TensorProto::kFloatDataFieldNumber)) {
        array.offset = offset;
        array_bytes = number;
      }
      if (!input_.Skip(bytes)) return false;
    }
    if (array_bytes >= min_bytes_ && array.word_bytes != 0) {
      array.words = array_bytes / array.word_bytes;
      arrays_.push_back(array);
    }
    return input_.ConsumedEntireMessage();
  }

  std::vector<WordRange> Take() { return std::move(arrays_); }

 private:
  static const Message* ChildOf(Message message, int field) {
    struct Child {
      Message parent;
      int field;
      Message child;
    };
    static constexpr Child kChildren[] = {
        {Message::kModel, onnx::ModelProto::kGraphFieldNumber, Message::kGraph},
        {Message::kGraph, onnx::GraphProto::kInitializerFieldNumber, Message::kTensor},
        {Message::kGraph, onnx::GraphProto::kNodeFieldNumber, Message::kNode},
        {Message::kNode, onnx::NodeProto::kAttributeFieldNumber, Message::kAttribute},
        {Message::kAttribute, onnx::AttributeProto::kTFieldNumber, Message::kTensor},
    };
    for (const Child& entry : kChildren) {
      if (entry.parent == message && entry.field == field) return &entry.child;
    }
    return nullptr;
  }

  CodedInputStream input_;
  const std::uint64_t min_bytes_;
  std::vector<WordRange> arrays_;
};

}  // namespace

std::vector<WordRange> OnnxArrays(std::string_view bytes, std::uint64_t min_bytes) {
  ArrayWalk walk(bytes, min_bytes);
  static_cast<void>(walk.Walk(Message::kModel));
  return walk.Take();
}

}  // namespace paddock
