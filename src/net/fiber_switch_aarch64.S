/* fiber_switch() and the first call on a new stack, for aarch64 (AAPCS64). */
#if defined(__aarch64__)
	.text

/*
 * void fiber_switch(void **from, void *to)
 * x19-x28, the frame pointer, the return address and the low halves of v8-v15 belong to the caller.
 */
	.globl fiber_switch
	.type fiber_switch, %function
	.p2align 4
fiber_switch:
	.cfi_startproc
	hint 34 /* bti c */
	stp x29, x30, [sp, -160]!
	stp x19, x20, [sp, 16]
	stp x21, x22, [sp, 32]
	stp x23, x24, [sp, 48]
	stp x25, x26, [sp, 64]
	stp x27, x28, [sp, 80]
	stp d8, d9, [sp, 96]
	stp d10, d11, [sp, 112]
	stp d12, d13, [sp, 128]
	stp d14, d15, [sp, 144]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
	ldp x19, x20, [sp, 16]
	ldp x21, x22, [sp, 32]
	ldp x23, x24, [sp, 48]
	ldp x25, x26, [sp, 64]
	ldp x27, x28, [sp, 80]
	ldp d8, d9, [sp, 96]
	ldp d10, d11, [sp, 112]
	ldp d12, d13, [sp, 128]
	ldp d14, d15, [sp, 144]
	ldp x29, x30, [sp], 160
	ret
	.cfi_endproc
	.size fiber_switch, . - fiber_switch

/* Where a new stack starts: body in x20, its argument in x19. */
	.globl fiber_entry
	.hidden fiber_entry
	.type fiber_entry, %function
	.p2align 4
fiber_entry:
	.cfi_startproc
	.cfi_undefined x30
	hint 36 /* bti j */
	mov x29, xzr
	mov x0, x19
	blr x20
	brk 1
	.cfi_endproc
	.size fiber_entry, . - fiber_entry

/* Indirect branches land on bti here; return addresses are signed by the callers' frames. */
	.section .note.gnu.property, "a"
	.p2align 3
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000000, 4, 1, 0
#endif
	.section .note.GNU-stack, "", %progbits
