// What both ends of the wire must agree on, as plain numbers: set here and nowhere else.
#pragma once

#include <cstddef>

namespace paddock {

inline constexpr unsigned kProtocolVersion = 1;

// A peer that answers no ping for time + timeout is gone. The server permits pings at half of
// kKeepaliveTimeMs, else it would throw clients out that ping as they are told to. Any message puts a ping off: the
// server's come a little later than an agent's heartbeat, and so only when heartbeats stay away.
inline constexpr int kHeartbeatIntervalMs = 5'000;
inline constexpr int kKeepaliveTimeMs = 5'000;
inline constexpr int kServerKeepaliveTimeMs = kHeartbeatIntervalMs + 1'000;
inline constexpr int kKeepaliveTimeoutMs = 2'000;

inline constexpr std::size_t kChunkBytes = std::size_t{1} << 20;  // of a blob, in one message
// HTTP/2 settings of channels that carry blobs: a fixed window instead of probing for one, frames as large as
// a chunk.
inline constexpr int kBlobLookaheadBytes = 4 << 20;
inline constexpr int kBlobFrameBytes = 1 << 20;

inline constexpr std::size_t kMaxInlineRecordBytes =
    32 * 1024;  // larger repetition records are uploaded as blobs

}  // namespace paddock
