/* Buffers of TCP connections. */
#include "net/tcp_buffer.h"

#include "base/memory.h"
#include <stdlib.h>

enum { INPUTS_SPARE = 8, OUTPUT_LEAST = 4096 };

struct tcp_thread *tcp_thread_join(struct loop *l)
{
	if (!l->tcp)
		l->tcp = memory_array(1, sizeof *l->tcp);
	l->tcp->listeners++;
	return l->tcp;
}

static void inputs_free(struct tcp_input *in)
{
	while (in) {
		struct tcp_input *next = in->next;
		free(in);
		in = next;
	}
}

void tcp_thread_leave(struct loop *l)
{
	struct tcp_thread *t = l->tcp;
	if (--t->listeners)
		return;
	inputs_free(t->spare);
	free(t->input);
	while (t->output_count)
		free(t->outputs[--t->output_count]);
	free(t->ciphertext);
	free(t);
	l->tcp = NULL;
}

static struct tcp_input *input_take(struct tcp_thread *t)
{
	struct tcp_input *in = t->spare;
	if (!in)
		return memory_alloc(sizeof *in);
	t->spare = in->next;
	t->spares--;
	return in;
}

static void input_put(struct tcp_thread *t, struct tcp_input *in)
{
	if (t->spares == INPUTS_SPARE) {
		free(in);
		return;
	}
	in->next = t->spare;
	t->spare = in;
	t->spares++;
}

void tcp_input_waits(struct tcp_input *in)
{
	if (in && in->answering) {
		in->answering = false;
		in->waiting++;
	}
}

struct tcp_input *tcp_input_fresh(struct tcp_thread *t)
{
	tcp_input_waits(t->input);
	if (!t->input || t->input->waiting) {
		t->input = input_take(t);
		t->input->waiting = 0;
		t->input->answering = false;
	}
	t->input->start = t->input->end = 0;
	t->input->owner = NULL;
	t->input->drained = false;
	return t->input;
}

uint8_t *tcp_ciphertext(struct tcp_thread *t)
{
	if (!t->ciphertext)
		t->ciphertext = memory_alloc(TCP_CIPHERTEXT_ROOM);
	return t->ciphertext;
}

void tcp_input_leave(struct tcp_thread *t, struct tcp_input *in)
{
	if (--in->waiting == 0 && in != t->input)
		input_put(t, in);
}

void tcp_output_grow(struct tcp_thread *t, struct tcp_output *out, size_t more)
{
	if (!out->at && t->output_count) {
		out->at = t->outputs[--t->output_count];
		out->capacity = OUTPUT_LEAST;
	}
	size_t capacity = out->capacity ? out->capacity : OUTPUT_LEAST;
	while (capacity - out->length < more)
		capacity *= 2;
	if (capacity > out->capacity || !out->at)
		out->at = memory_resize(out->at, capacity, 1);
	out->capacity = capacity;
}

void tcp_output_done(struct tcp_thread *t, struct tcp_output *out)
{
	if (t->output_count < TCP_OUTPUTS_SPARE && out->capacity == OUTPUT_LEAST)
		t->outputs[t->output_count++] = out->at;
	else
		free(out->at);
	*out = (struct tcp_output){ 0 };
}
