/* What a fuzz target defines. */
#ifndef ISTHMUS_TESTS_FUZZ_H
#define ISTHMUS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when what must hold does not: in every kind of build. */
#define MUST(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
