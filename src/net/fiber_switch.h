/* The switch from one stack to another: fiber_switch_CPU.S, or fiber_switch_ucontext.c where there is none for the CPU. */
#ifndef ISTHMUS_NET_FIBER_SWITCH_H
#define ISTHMUS_NET_FIBER_SWITCH_H

/* Keeps the caller's registers on its stack, its stack pointer in *from, and goes on where `to` was kept. Returns when
 * somebody switches back. Rounding modes are not kept. */
void fiber_switch(void **from, void *to);

/* Makes the stack that ends below `top` (aligned to 16) one that fiber_switch() can go to: body(data) is called there and
 * must not return. Gives what to hand to fiber_switch(). */
void *fiber_prepare(void *top, void (*body)(void *data), void *data);

#endif
