// Notes when it was started and becomes the real worker.
//
//   FOLDER/worker RUN_FOLDER REPETITION SPAWN_NS     (a link to this program)
//
// appends "SPAWN_NS NOW_NS" to FOLDER/starts and executes FOLDER/real-worker with the same arguments.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (argc != 4) return 2;
  const std::string program = argv[0];
  const std::string folder = program.substr(0, program.rfind('/'));
  const long long now_ns = static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  const std::string line = std::string(argv[3]) + " " + std::to_string(now_ns) + "\n";
  const int fd = ::open((folder + "/starts").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || ::write(fd, line.data(), line.size()) < 0) std::perror("starts");
  ::close(fd);
  ::execv((folder + "/real-worker").c_str(), argv);
  std::perror("real-worker");
  return 1;
}
