// Holds an imported network, computed by the reference in its arena, against ONNX Runtime on the same inputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/onnx_graph.h"
#include "prepare/passes/ort_runner.h"
#include "tests/unit/codegen/reference_network.h"

namespace paddock {

// Null, with a message, where the library is not installed.
std::shared_ptr<const OrtLibrary> RuntimeOrSkip();
// Path of a file of the public models; empty, with a message, where they are not there.
std::string SharedFileOrSkip(const std::string& name);

// The network of a model in memory, with places.
Result<Network> Imported(const onnx::ModelProto& model);
Result<Network> ImportedFile(const std::string& path);

// Bytes for every input: integers over their whole range; floats that quantising does not round (multiples of 1/64 in [-4, 4)).
std::vector<ValueBytes> RandomInputs(const Network& network, unsigned seed);

// What ONNX Runtime, without optimisation, makes of the bytes that the network gets, as floats.
class Runtime {
 public:
  // Outputs of the model that are integers come dequantised by the network's.
  Runtime(std::shared_ptr<const OrtLibrary> library, const onnx::ModelProto& model, const Network& network);
  std::vector<std::vector<float>> Run(const std::vector<ValueBytes>& inputs);

 private:
  const Network& network_;
  onnx::ModelProto model_;
  std::unique_ptr<OrtRunner> runner_;
};

// What the bytes of a value stand for.
std::vector<float> Reals(const NetworkValue& value, const ValueBytes& bytes);

// How far the network is from the runtime in the worst element: integers in steps of the output, floats relative to the largest
// output.
struct Difference {
  double steps = 0;
  double relative = 0;
  std::size_t unequal = 0;  // integer elements
  std::size_t elements = 0;
};
Difference Compare(const std::shared_ptr<const OrtLibrary>& library, const onnx::ModelProto& model,
                   const Network& network, int samples);

// Imports the model and REQUIREs what is promised: integer outputs within one step, floats within `tolerance`. Answers the
// network.
Network CheckAgainstRuntime(const onnx::ModelProto& model, double tolerance = 1e-5);

}  // namespace paddock
