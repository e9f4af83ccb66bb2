/* The chain of plugins: a plain call from one to the next, and the record of it when a trace is asked for. */
#include "server/chain.h"

#include "base/clock.h"

/* Whoever made the reply is the innermost plugin that returns with another one than there was. */
static int serve(struct plugin *p, struct query *q)
{
	int result = p->type->serve(p, q);
	if (q->reply != q->answered) {
		q->answered = q->reply;
		q->answered_by = q->reply ? p : NULL;
	}
	return result;
}

static struct trace_step *step_begin(struct trace *t, struct query *q, struct plugin *p)
{
	struct trace_step *step = arena_new_object(q->arena, struct trace_step);
	step->plugin = p;
	step->qname = q->name;
	step->qtype = query_type(q);
	step->depth = q->depth;
	*t->last = step;
	t->last = &step->next;
	t->running = step;
	return step;
}

static int serve_traced(struct plugin *p, struct query *q)
{
	struct trace *t = q->trace;
	struct trace_step *outer = t->running, *step = step_begin(t, q, p);
	const struct message *before = q->reply;
	if (outer && outer->depth == step->depth)
		outer->passed_on = true;
	uint64_t began = clock_now();
	step->result = serve(p, q);
	step->ns = clock_now() - began;
	step->answered = q->reply && q->reply != before && !step->passed_on;
	step->rcode = q->reply ? q->reply->rcode : 0;
	bool innermost = !step->passed_on || t->last == &step->next;
	step->error = !q->reply && innermost ? q->error : NULL;
	if (p->type->source)
		step->source = p->type->source(p, q);
	t->running = outer;
	return step->result;
}

/* A filter that takes the query says so no further: its block's plugins are the steps. */
static bool filter_traced(struct plugin *filter, struct query *q)
{
	struct trace *t = q->trace;
	struct trace_step *outer = t->running, **last = t->last;
	step_begin(t, q, filter)->took_no_part = true;
	bool taken = filter->type->filter(filter, q);
	t->running = outer;
	if (taken) {
		*last = NULL;
		t->last = last;
	}
	return taken;
}

bool chain_filter(struct plugin *filter, struct query *q)
{
	return __builtin_expect(q->trace != NULL, 0) ? filter_traced(filter, q)
						     : filter->type->filter(filter, q);
}

int chain_serve(struct plugin *first, struct query *q)
{
	return __builtin_expect(q->trace != NULL, 0) ? serve_traced(first, q) : serve(first, q);
}

int next(struct plugin *self, struct query *q)
{
	if (self->next)
		return chain_serve(self->next, q);
	if (q->trace && q->trace->running)
		q->trace->running->passed_on = true;
	return query_fail(q, RCODE_SERVFAIL, "plugin/%s: no next plugin found", self->type->name);
}
