/* What the sanitizers want to hear of stacks that are switched. Nothing at all in a normal build. */
#ifndef ISTHMUS_NET_SANITIZERS_H
#define ISTHMUS_NET_SANITIZERS_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZE_THREAD 1
#endif
#endif

#ifndef SANITIZE_ADDRESS
#define SANITIZE_ADDRESS 0
#endif
#ifndef SANITIZE_THREAD
#define SANITIZE_THREAD 0
#endif

#if SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#if SANITIZE_THREAD
#include <sanitizer/tsan_interface.h>
#define NO_SANITIZE_THREAD __attribute__((no_sanitize("thread"), noinline))
#else
#define NO_SANITIZE_THREAD
#endif

#endif
