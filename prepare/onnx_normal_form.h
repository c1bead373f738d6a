// ONNX models of any age in the form that steps work on.
#pragma once

#include <string>
#include <string_view>

#include <onnx/onnx_pb.h>

#include "base/status.h"

namespace paddock {

// No initializer is an input too, as models had it before IR version 4 and some exporters still have it: optimisers take an
// input for no constant, and nobody feeds it here. Raises the IR version to 4. False: it was so already.
bool MakeInitializersConstant(onnx::ModelProto* model);
// The same for a file. False: `out_path` was not written.
Result<bool> WriteWithConstantInitializers(const std::string& in_path, const std::string& out_path);

// A runtime's refusal of a model, with the node that is likely to be its reason: one of an operator of a foreign domain.
Status BlameForeignNode(const Status& refusal, const onnx::ModelProto& model);
Status BlameForeignNode(const Status& refusal, const std::string& path);

// What libonnx's check says, which stands on several lines (the node's name on a later one), as one line.
std::string CheckerText(std::string_view text);

// libonnx's check. Outputs need no shapes here, as with runtimes. INVALID_ARGUMENT says what libonnx finds.
Status CheckConsistent(const onnx::ModelProto& model);

// What ReadModelInfo() notes as "not checked" becomes checked: a model up to opset 23 (IR version 11) becomes one of the newest
// opset that libonnx knows, node by node, of the same meaning. Constants are initializers already. INVALID_ARGUMENT names the
// opset that is newer, or the node that cannot be said in the older one.
Status LowerToKnownOpset(onnx::ModelProto* model);

}  // namespace paddock
