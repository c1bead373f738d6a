// The agent's side of its session with the coordinator, without wire types: link_grpc.cc is the
// implementation, tests have a fake.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/blob_cache.h"
#include "agent/run_types.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock::agent {

struct Greeting {
  DeviceId device;
  AgentInstanceId instance;
  DeviceDescription
      description;  // labels are complete: the driver's, the agent's own over them, id and driver
  std::vector<std::string> shares;
  std::string golden;  // when the device makes golden runs, in the words of the configuration; empty: never
  std::vector<HeldLease> held;
  std::string problem;  // empty: the device can take runs
};

// What the link asks of the agent and tells it. Called on the link's threads; must not block for long.
class LinkClient {
 public:
  virtual ~LinkClient() = default;
  virtual Greeting MakeGreeting() = 0;
  virtual std::vector<HeldLease> Held() = 0;
  virtual std::string Problem() = 0;
  // A session stands. Of the leases in its greeting, `revoked` are no longer held.
  virtual void OnWelcome(const std::vector<HeldLease>& revoked) = 0;
  virtual void OnAssignment(const Assignment& assignment) = 0;
  virtual void OnCancel(const HeldLease& lease) = 0;
};

// Moves blobs. UNAVAILABLE: try again later, what has arrived is kept. All calls block; any thread.
class BlobTransfer {
 public:
  virtual ~BlobTransfer() = default;
  // From into.offset() to the end. NOT_FOUND: the coordinator does not have it. `check_again`: what came before was
  // damaged, so the coordinator looks at its own copy first (DATA_LOSS when that is the damaged one).
  virtual Status Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                          const std::function<bool()>& cancelled) = 0;
};

class Link : public BlobTransfer {
 public:
  // Keeps the newest only; never blocks.
  virtual void SendProgress(const Progress& progress) = 0;
  // Uploads what the report names, sends it and waits until the coordinator has stored it. UNAVAILABLE:
  // again, when a session stands. FAILED_PRECONDITION: the lease is not the current one; drop the report.
  virtual Status DeliverReport(const Report& report) = 0;
  // Behaves as if the network were gone for this long.
  virtual void CutFor(std::chrono::nanoseconds duration) = 0;
  // Greets anew: the description has changed.
  virtual void Regreet() = 0;
};

}  // namespace paddock::agent
