/* Many queries at once through the plugin forward, on one loop, to an upstream of the test's own. */
#ifndef ISTHMUS_TEST_FORWARD_RIG_H
#define ISTHMUS_TEST_FORWARD_RIG_H

#include "test.h"

#include "plugin_bed.h"
#include "plugins/forward/forward.h"
#include "server/block.h"
#include "upstream_server.h"

struct asked {
	struct query q;
	struct rig *rig;
	const char *name;
	uint16_t type;
	bool stream;
	uint64_t delay; /* ns, before it asks */
	int rcode;
	uint64_t took;
	unsigned answers;
};

struct rig {
	struct upstream_server server;
	struct bed *bed;
	struct loop *loop;
	unsigned running;
};

/* Passes on, by forward or grpc, to 127.0.0.1 at this port (0: that of its own server, which is what r->server says); `scheme` stands
 * before it. */
static inline void rig_begin(struct rig *r, const char *directive, const char *scheme, uint16_t port,
	const char *options)
{
	char corefile[1024];
	upstream_server_start(&r->server);
	snprintf(corefile, sizeof corefile, ".:53 {\n%s . %s127.0.0.1:%u {\n%s\n}\n}\n", directive, scheme,
		port ? port : endpoint_port(&r->server.local), options);
	r->bed = bed_new(corefile);
	assert_non_null(r->bed->config);
	r->loop = loop_new(0);
	r->bed->config->control = r->loop;
}

/* The same. With `credentials` the server speaks TLS, with `http` HTTP/2. */
static inline void rig_start_with(struct rig *r, const char *directive, const char *scheme,
	uint16_t port, struct tls_credentials *credentials, const struct http2_settings *http,
	const char *options)
{
	*r = (struct rig){ .server = { .credentials = credentials, .http = http } };
	rig_begin(r, directive, scheme, port, options);
}

static inline void rig_start_at(struct rig *r, const char *scheme, uint16_t port,
	struct tls_credentials *credentials, const struct http2_settings *http, const char *options)
{
	rig_start_with(r, "forward", scheme, port, credentials, http, options);
}

static inline void rig_start(struct rig *r, const char *options)
{
	rig_start_at(r, "", 0, NULL, NULL, options);
}

static inline struct forward *rig_forward(struct rig *r)
{
	return r->bed->config->blocks->plugins->state;
}

static inline void ask(void *data)
{
	struct asked *a = data;
	struct bed *b = a->rig->bed;
	struct arena *arena = arena_new(4096);
	if (a->delay)
		fiber_sleep(a->delay);
	a->q = (struct query){ .arena = arena,
		.listener = &b->listener,
		.block = b->config->blocks,
		.transport = a->stream ? TRANSPORT_TCP : TRANSPORT_UDP };
	a->q.request.flags = FLAG_RD;
	a->q.request.id = 77;
	a->q.request.has_question = true;
	query_set_question(&a->q, name_from_text(arena, view_of(a->name)), a->type ? a->type : TYPE_A,
		CLASS_IN);
	uint64_t start = clock_now();
	a->rcode = chain_serve(b->config->blocks->chain, &a->q);
	a->took = clock_now() - start;
	const struct message *m = a->q.reply;
	if (m) {
		a->answers = (unsigned)message_record_count(m, SECTION_ANSWER);
		assert_int_equal(m->id, 77);
		assert_true(m->has_question);
		char asked[NAME_TEXT_MAX], got[NAME_TEXT_MAX];
		name_print(a->q.request.question.name, asked);
		name_print(m->question.name, got);
		if (strncmp(a->name, "lower", 5) != 0)
			assert_string_equal(asked, got);
	}
	if (a->q.error)
		a->q.error = strdup(a->q.error);
	arena_free(arena);
	if (--a->rig->running == 0)
		loop_stop(a->rig->loop);
}

/* Asks all of them at the same time (but for their delays), until all are answered. */
static inline void rig_ask(struct rig *r, struct asked *list, unsigned count)
{
	r->running = count;
	for (unsigned i = 0; i < count; i++) {
		list[i].rig = r;
		fiber_spawn(r->loop, ask, &list[i]);
	}
	loop_run(r->loop);
}

static inline void forget_errors(struct asked *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free((char *)(uintptr_t)list[i].q.error);
}

static inline void rig_stop(struct rig *r)
{
	struct plugin *p = r->bed->config->blocks->plugins;
	p->type->worker_stop(p, p->worker_states[0]);
	loop_free(r->loop);
	upstream_server_stop(&r->server);
	bed_free(r->bed);
}

#endif
