// PADDOCK_UNDER_SANITIZER: 1 in builds with AddressSanitizer or ThreadSanitizer of g++ or clang, whose runtimes need more
// address space than a memory limit leaves and end the process where an allocation would fail; 0 elsewhere.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PADDOCK_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PADDOCK_UNDER_SANITIZER 1
#endif
#endif
#ifndef PADDOCK_UNDER_SANITIZER
#define PADDOCK_UNDER_SANITIZER 0
#endif
