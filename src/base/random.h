/* Randomness: everything that an outsider must not guess (ids, ports, hash keys) comes from the kernel. */
#ifndef ISTHMUS_BASE_RANDOM_H
#define ISTHMUS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `to` with size unpredictable bytes (getrandom, through a buffer of the thread's own). */
void random_fill(void *to, size_t size);

/* An unpredictable number of 32 or 64 bits. */
uint32_t random_u32(void);
uint64_t random_u64(void);

/* An unpredictable number below n (n at least 1), each as likely as the other. */
uint32_t random_below(uint32_t n);

#endif
