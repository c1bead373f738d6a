// The part of TensorFlow Lite's C interface that Paddock calls, declared by hand so that none of its headers is needed to
// build. Functions are found in the library by their names; of the structures only the beginning is declared, as far as it
// has been the same since TensorFlow 2.2, and they are only ever reached through pointers from the library. A test checks
// functions and structures against the real library.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace paddock::tflite {

// Opaque: only pointers to these exist.
struct Model;
struct InterpreterOptions;
struct Interpreter;
struct Tensor;
struct Node;

// kApplicationError of a delegate: the graph is not for it, and was left as it is. Others: kinds of failure.
enum Status : int { kOk = 0, kApplicationError = 3, kUnresolvedOps = 7 };

struct IntArray {
  int size;
  int data[1];  // really `size`
};

struct Registration {
  void (*functions[5])();
  std::int32_t builtin_code;
};
inline constexpr std::int32_t kDelegateKernel =
    51;  // builtin_code of what a delegate put in the place of nodes

struct Context {
  std::size_t tensors_size;
  Status (*GetExecutionPlan)(Context*, IntArray** nodes);
  void* tensors;
  void* implementation;
  void (*other_functions[3])();
  Status (*GetNodeAndRegistration)(Context*, int node, Node**, Registration**);
};

struct Delegate {
  void* data;
  Status (*Prepare)(Context*, Delegate*);
};

struct QuantizationParams {
  float scale;  // 0: the tensor has none, or several
  std::int32_t zero_point;
};

// Newer versions append fields, whose default is 0, and read them all. For the same reason
// TfLiteXNNPackDelegateOptionsDefault(), which answers the structure by value, is not called: its size differs by version.
struct XnnpackOptions {
  std::int32_t threads;
  std::uint32_t flags;
  std::uint64_t newer[62];
};
inline constexpr std::uint32_t kXnnpackSigned8 = 1;
inline constexpr std::uint32_t kXnnpackUnsigned8 = 2;

using Reporter = void (*)(void* user_data, const char* format, std::va_list arguments);

// The members are the library's functions without their "TfLite".
struct Api {
  const char* (*Version)();
  Model* (*ModelCreateFromFile)(const char* path);  // null: no such file, or no model
  void (*ModelDelete)(Model*);
  InterpreterOptions* (*InterpreterOptionsCreate)();
  void (*InterpreterOptionsDelete)(InterpreterOptions*);
  void (*InterpreterOptionsSetNumThreads)(InterpreterOptions*, std::int32_t);
  void (*InterpreterOptionsSetErrorReporter)(InterpreterOptions*, Reporter, void* user_data);
  Interpreter* (*InterpreterCreate)(const Model*, const InterpreterOptions*);  // null: see the reporter
  void (*InterpreterDelete)(Interpreter*);
  Status (*InterpreterModifyGraphWithDelegate)(const Interpreter*, Delegate*);
  Status (*InterpreterResizeInputTensor)(Interpreter*, std::int32_t input, const int* shape,
                                         std::int32_t rank);
  Status (*InterpreterAllocateTensors)(Interpreter*);
  Status (*InterpreterInvoke)(Interpreter*);
  std::int32_t (*InterpreterGetInputTensorCount)(const Interpreter*);
  Tensor* (*InterpreterGetInputTensor)(const Interpreter*, std::int32_t input);
  std::int32_t (*InterpreterGetOutputTensorCount)(const Interpreter*);
  const Tensor* (*InterpreterGetOutputTensor)(const Interpreter*, std::int32_t output);
  int (*TensorType)(const Tensor*);
  std::int32_t (*TensorNumDims)(const Tensor*);
  std::int32_t (*TensorDim)(const Tensor*, std::int32_t dimension);
  std::size_t (*TensorByteSize)(const Tensor*);
  void* (*TensorData)(const Tensor*);
  const char* (*TensorName)(const Tensor*);
  QuantizationParams (*TensorQuantizationParams)(const Tensor*);
  Status (*TensorCopyFromBuffer)(Tensor*, const void* data, std::size_t bytes);

  // Both null in a library that was built without XNNPACK.
  Delegate* (*XNNPackDelegateCreate)(const XnnpackOptions*);
  void (*XNNPackDelegateDelete)(Delegate*);
};

// What a delegate plug-in exports: tflite_plugin_create_delegate and tflite_plugin_destroy_delegate.
using PluginCreate = Delegate* (*)(const char* const* keys, const char* const* values, std::size_t count,
                                   void (*report_error)(const char*));
using PluginDestroy = void (*)(Delegate*);

}  // namespace paddock::tflite
