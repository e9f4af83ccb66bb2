/* fiber_switch() and the first call on a new stack, for x86-64 (System V). */
#if defined(__x86_64__)
	.text

/*
 * void fiber_switch(void **from, void *to)
 * What the ABI lets a callee change needs no keeping; mxcsr and the x87 control word are never changed here. The jump
 * instead of a ret keeps the processor's predictor of returns in step.
 */
	.globl fiber_switch
	.type fiber_switch, @function
	.p2align 4
fiber_switch:
	.cfi_startproc
	endbr64
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	popq %rcx
	notrack jmp *%rcx
	.cfi_endproc
	.size fiber_switch, . - fiber_switch

/* Where a new stack starts: body in r13, its argument in r12, the stack pointer a multiple of 16 before the call. */
	.globl fiber_entry
	.hidden fiber_entry
	.type fiber_entry, @function
	.p2align 4
fiber_entry:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	xorl %ebp, %ebp
	movq %r12, %rdi
	callq *%r13
	ud2
	.cfi_endproc
	.size fiber_entry, . - fiber_entry

/* Indirect branches land on endbr64 here; no shadow stack is kept. */
	.section .note.gnu.property, "a"
	.p2align 3
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 1, 0
#endif
	.section .note.GNU-stack, "", @progbits
