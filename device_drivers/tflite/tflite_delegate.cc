#include "device_drivers/tflite/tflite_delegate.h"

#include <dlfcn.h>

#include <utility>
#include <vector>

namespace paddock {
namespace {

// What a plug-in's create says while it runs; its callback carries no object.
thread_local std::string* plugin_words = nullptr;

void ReportPluginError(const char* text) {
  if (plugin_words == nullptr || text == nullptr) return;
  plugin_words->append(plugin_words->empty() ? "" : "; ").append(text);
}

// Stands between TensorFlow Lite and a delegate's Prepare, which is called for each subgraph of the model.
struct Watch {
  tflite::Status (*prepare)(tflite::Context*, tflite::Delegate*) = nullptr;
  std::optional<DelegatedNodes> nodes;
};
thread_local Watch* watch = nullptr;

struct PlanSize {
  std::uint64_t nodes = 0;
  std::uint64_t delegate_kernels = 0;  // among them
};

PlanSize SizeOfPlan(tflite::Context* context) {
  PlanSize size;
  tflite::IntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != tflite::kOk) return size;
  size.nodes = static_cast<std::uint64_t>(plan->size);
  for (int i = 0; i < plan->size; ++i) {
    tflite::Node* node = nullptr;
    tflite::Registration* registration = nullptr;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != tflite::kOk)
      continue;
    size.delegate_kernels += registration->builtin_code == tflite::kDelegateKernel ? 1 : 0;
  }
  return size;
}

// One delegate kernel stands in the place of each group of nodes that was taken.
tflite::Status WatchedPrepare(tflite::Context* context, tflite::Delegate* delegate) {
  const PlanSize before = SizeOfPlan(context);
  const tflite::Status status = watch->prepare(context, delegate);
  const PlanSize after = SizeOfPlan(context);
  if (!watch->nodes) watch->nodes.emplace();
  watch->nodes->all += before.nodes;
  watch->nodes->taken += before.nodes + after.delegate_kernels - before.delegate_kernels - after.nodes;
  return status;
}

}  // namespace

Result<DelegateHandle> MakeXnnpackDelegate(const TfliteLibrary& library, std::uint32_t threads) {
  if (!library.HasXnnpack()) {
    return UnimplementedError("execution provider 'xnnpack': TensorFlow Lite " + library.Version() + " (" +
                              library.path() + ") was built without XNNPACK; use 'cpu'");
  }
  tflite::XnnpackOptions options{};
  options.threads = static_cast<std::int32_t>(threads);
  options.flags = tflite::kXnnpackSigned8 | tflite::kXnnpackUnsigned8;
  DelegateHandle delegate(library.api().XNNPackDelegateCreate(&options), library.api().XNNPackDelegateDelete);
  if (delegate == nullptr) {
    return UnimplementedError(
        "execution provider 'xnnpack': XNNPACK does not run on this processor; use 'cpu'");
  }
  return delegate;
}

Result<std::shared_ptr<const DelegatePlugin>> DelegatePlugin::Open(const std::string& path) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    return FailedPreconditionError("the delegate plug-in cannot be opened: " + std::string(dlerror()) +
                                   "; see the agent's `--option delegate=PATH`");
  }
  const auto create = reinterpret_cast<tflite::PluginCreate>(dlsym(handle, "tflite_plugin_create_delegate"));
  const auto destroy =
      reinterpret_cast<tflite::PluginDestroy>(dlsym(handle, "tflite_plugin_destroy_delegate"));
  if (create == nullptr || destroy == nullptr) {
    return FailedPreconditionError(path + " is no delegate plug-in: it has no function tflite_plugin_" +
                                   (create == nullptr ? "create" : "destroy") +
                                   "_delegate; see the agent's `--option delegate=PATH`");
  }
  return std::shared_ptr<const DelegatePlugin>(new DelegatePlugin(path, create, destroy));
}

Result<DelegateHandle> DelegatePlugin::Create(const std::map<std::string, std::string>& options) const {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  std::string words;
  plugin_words = &words;
  DelegateHandle delegate(create_(keys.data(), values.data(), keys.size(), ReportPluginError), destroy_);
  plugin_words = nullptr;
  if (delegate == nullptr) {
    return UnavailableError("the delegate plug-in " + path_ +
                            " does not start: " + (words.empty() ? "it does not say why" : words) +
                            "; look at its device and its options");
  }
  return delegate;
}

std::optional<DelegatedNodes> ApplyDelegate(const tflite::Api& api, tflite::Interpreter* interpreter,
                                            tflite::Delegate* delegate, tflite::Status* status) {
  Watch current;
  current.prepare = delegate->Prepare;
  if (current.prepare != nullptr) delegate->Prepare = WatchedPrepare;
  watch = &current;
  *status = api.InterpreterModifyGraphWithDelegate(interpreter, delegate);
  watch = nullptr;
  delegate->Prepare = current.prepare;
  return current.nodes;
}

}  // namespace paddock
