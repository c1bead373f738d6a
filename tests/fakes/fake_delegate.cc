// A delegate plug-in as TensorFlow Lite 2.9 and newer takes it, opened with dlopen. Its options say what it does:
//   record=PATH    it writes its options there, one `key=value` a line
//   refuse=WORDS   it does not start and says WORDS
//   take=CODE      it takes the nodes of this operator over, and does nothing in their place
//   fail=prepare   it refuses the model
//   fail=invoke    it fails in an inference
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

extern "C" {

struct Context;
struct Delegate;

struct IntArray {
  int size;
  int data[1];
};

struct Registration {
  void* (*init)(Context*, const char*, std::size_t);
  void (*free)(Context*, void*);
  int (*prepare)(Context*, void* node);
  int (*invoke)(Context*, void* node);
  const char* (*profiling_string)(const Context*, const void* node);
  std::int32_t builtin_code;
  const char* custom_name;
  int version;
  void* newer[8];
};

struct Context {
  std::size_t tensors_size;
  int (*GetExecutionPlan)(Context*, IntArray**);
  void* tensors;
  void* implementation;
  void (*other_functions[3])();
  int (*GetNodeAndRegistration)(Context*, int, void** node, Registration**);
  int (*ReplaceNodeSubsetsWithDelegateKernels)(Context*, Registration, const IntArray*, Delegate*);
};

struct Delegate {
  void* data;
  int (*Prepare)(Context*, Delegate*);
  void* functions[3];
  std::int64_t flags;
  void* newer[8];
};

}  // extern "C"

namespace {

using Options = std::map<std::string, std::string>;

int Fail(Context*, void*) { return 1; }
int DoNothing(Context*, void*) { return 0; }

int Prepare(Context* context, Delegate* delegate) {
  const Options& options = *static_cast<const Options*>(delegate->data);
  const auto value = [&](const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
  };
  if (value("fail") == "prepare") return 1;
  if (value("take").empty()) return 0;
  IntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != 0) return 1;
  std::vector<int> taken = {0};  // an IntArray: its size comes first
  for (int i = 0; i < plan->size; ++i) {
    void* node = nullptr;
    Registration* registration = nullptr;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != 0) return 1;
    if (registration->builtin_code == std::atoi(value("take").c_str())) taken.push_back(plan->data[i]);
  }
  taken[0] = static_cast<int>(taken.size()) - 1;
  Registration kernel{};
  kernel.prepare = DoNothing;
  kernel.invoke = value("fail") == "invoke" ? Fail : DoNothing;
  kernel.custom_name = "FakeDelegate";
  kernel.version = 1;
  return context->ReplaceNodeSubsetsWithDelegateKernels(
      context, kernel, reinterpret_cast<const IntArray*>(taken.data()), delegate);
}

}  // namespace

extern "C" Delegate* tflite_plugin_create_delegate(const char* const* keys, const char* const* values,
                                                   std::size_t count, void (*report_error)(const char*)) {
  Options options;
  for (std::size_t i = 0; i < count; ++i) options[keys[i]] = values[i];
  if (const auto record = options.find("record"); record != options.end()) {
    std::ofstream file(record->second);
    for (const auto& [key, value] : options) file << key << '=' << value << '\n';
  }
  if (const auto refuse = options.find("refuse"); refuse != options.end()) {
    report_error(refuse->second.c_str());
    return nullptr;
  }
  auto* const delegate = new Delegate{};
  delegate->data = new Options(std::move(options));
  delegate->Prepare = Prepare;
  return delegate;
}

extern "C" void tflite_plugin_destroy_delegate(Delegate* delegate) {
  delete static_cast<Options*>(delegate->data);
  delete delegate;
}
