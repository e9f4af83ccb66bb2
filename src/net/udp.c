/*
 * DNS over UDP. A thread has one batch of datagrams in and one of answers out, shared by all its listeners: the batch in
 * is worked off before another listener receives, the batch out is sent when it is full or the loop's round is over.
 */
#include "net/udp.h"

#include "base/memory.h"
#include "net/datagram.h"
#include "net/loop_state.h"
#include "net/sanitizers.h"
#include "net/socket.h"
#include "net/udp_proxies.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	BATCH = 64,
	BATCHES_A_TURN = 16, /* then other descriptors get their turn */
	BATCHES_SHED = 64,   /* read one after the other by a listener that sheds */
	ANSWER_MAX = 65507, /* what one IPv4 datagram can carry */
	SOCKET_BUFFER = 4 << 20,
};

struct answer {
	struct udp_listener *from;
	struct sockaddr_in6 peer;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	socklen_t control_length;
	struct iovec wire;
};

/* The batches of one thread. */
struct udp_batch {
	size_t listeners; /* that use it */
	struct loop *loop;

	struct udp_listener *owner; /* whose datagrams are in */
	unsigned count, at;         /* received, and the next one to answer */
	bool drained;               /* the kernel had no more when it was received */
	bool answering;             /* datagram at - 1 is with the handler, or was when it began to wait */
	struct mmsghdr in[BATCH];
	struct iovec in_wire[BATCH];
	struct datagram *datagrams[BATCH];

	struct loop_flush flush;
	unsigned out_count;
	size_t out_used; /* octets of out_wire */
	struct answer answers[BATCH];
	struct mmsghdr out[BATCH];
	uint8_t *out_wire; /* 2 * 65,535 octets */

	struct datagram_pool pool;
	struct timer trim; /* set while the pool is larger than it was at first */
};

/* Queries that a listener which sheds has read and not answered: a ring, the oldest at `first`. */
struct pending {
	unsigned first, count;
	struct datagram *ring[SHED_PENDING_MAX];
};

struct udp_listener {
	struct watch watch;
	struct loop *loop;
	struct endpoint local;
	incoming_handler *handle;
	udp_foresight *foresee; /* NULL: nobody asks */
	void *listener;
	bool wildcard; /* bound to all addresses: which one was asked comes with each datagram */
	bool stopped, released;
	size_t waiting; /* queries */
	const struct udp_shedding *shedding;
	struct udp_proxies proxies;
	struct pending *pending; /* NULL until it shed for the first time */
};

/* --- sockets --- */

/* Larger buffers where the kernel lets us, path MTU of the system's routing only: an outsider cannot make answers shrink or
 * vanish by forged ICMP. */
static void tune(int fd, bool v6)
{
	socket_set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	socket_set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	if (v6)
		socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

static const char *prepare(int fd, const struct endpoint *local)
{
	bool v6 = endpoint_is_v6(local);
	tune(fd, v6);
	if (!endpoint_is_wildcard(local))
		return NULL;
	if (v6 && socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0)
		return "setsockopt IPV6_RECVPKTINFO";
	if (!v6 && socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1) < 0)
		return "setsockopt IP_PKTINFO";
	return NULL;
}

int udp_open(const struct endpoint *local, const char **step)
{
	return socket_open(local, SOCK_DGRAM, prepare, step);
}

const char *udp_adopt(int fd, const struct endpoint *local)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? "fcntl O_NONBLOCK" : prepare(fd, local);
}

/* --- the thread's batch --- */

static void slot_fill(struct udp_batch *b, unsigned i)
{
	struct datagram *d = datagram_take(&b->pool);
	b->datagrams[i] = d;
	b->in_wire[i] = (struct iovec){ d->wire, sizeof d->wire };
	b->in[i].msg_hdr = (struct msghdr){
		.msg_name = &d->peer,
		.msg_namelen = sizeof d->peer,
		.msg_control = d->control,
		.msg_controllen = sizeof d->control,
		.msg_iov = &b->in_wire[i],
		.msg_iovlen = 1,
	};
}

static void flush_due(struct loop_flush *f);

static void trim(struct timer *t)
{
	datagram_pool_trim(&((struct udp_batch *)((char *)t - offsetof(struct udp_batch, trim)))->pool);
}

static struct udp_batch *batch_join(struct loop *l)
{
	struct udp_batch *b = l->udp;
	if (!b) {
		b = l->udp = memory_array(1, sizeof *b);
		b->loop = l;
		b->flush.run = flush_due;
		b->trim.fire = trim;
		b->out_wire = memory_alloc((size_t)2 * DATAGRAM_MAX);
		for (unsigned i = 0; i < BATCH; i++)
			slot_fill(b, i);
	}
	b->listeners++;
	return b;
}

static void batch_leave(struct udp_batch *b)
{
	if (--b->listeners)
		return;
	loop_flush_cancel(b->loop, &b->flush);
	timer_cancel(b->loop, &b->trim);
	datagram_pool_free(&b->pool);
	b->loop->udp = NULL;
	free(b->out_wire);
	free(b);
}

/* --- answers out --- */

static void tell_dropped(const struct udp_listener *u, enum udp_dropped what, unsigned count)
{
	if (count && u->shedding)
		u->shedding->dropped(u->listener, what, count);
}

/* Sends messages of one socket. One that the kernel refuses is left out; when its buffer is full the rest is lost, as the
 * network may lose any datagram. */
static void send_all(const struct udp_listener *u, struct mmsghdr *messages, unsigned count)
{
	while (count) {
		int sent = sendmmsg(u->watch.fd, messages, count, 0);
		if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			tell_dropped(u, DROPPED_RESPONSE, count);
			return;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		unsigned done = sent <= 0 ? 1 : (unsigned)sent;
		messages += done;
		count -= done;
	}
}

/* Sends the unsent answers of the listener of answers[first]. */
static void send_of_listener(struct udp_batch *b, unsigned first)
{
	struct udp_listener *u = b->answers[first].from;
	unsigned count = 0;
	for (unsigned i = first; i < b->out_count; i++) {
		struct answer *a = &b->answers[i];
		if (a->from != u)
			continue;
		a->from = NULL;
		b->out[count++].msg_hdr = (struct msghdr){
			.msg_name = &a->peer,
			.msg_namelen = a->peer.sin6_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
									 sizeof(struct sockaddr_in),
			.msg_control = a->control_length ? a->control : NULL,
			.msg_controllen = a->control_length,
			.msg_iov = &a->wire,
			.msg_iovlen = 1,
		};
	}
	send_all(u, b->out, count);
}

static void batch_send(struct udp_batch *b)
{
	for (unsigned i = 0; i < b->out_count; i++)
		if (b->answers[i].from)
			send_of_listener(b, i);
	b->out_count = 0;
	b->out_used = 0;
}

static void flush_due(struct loop_flush *f)
{
	batch_send((struct udp_batch *)((char *)f - offsetof(struct udp_batch, flush)));
}

/* The address to answer from, as control data: the one that was asked. The interface matters for link-local ones only. */
static void answer_from(struct answer *a, struct datagram *d)
{
	a->control_length = 0;
	if (!d->control_length)
		return;
	memcpy(a->control, d->control, d->control_length);
	a->control_length = d->control_length;
	struct msghdr header = { .msg_control = a->control, .msg_controllen = a->control_length };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	if (c->cmsg_level == IPPROTO_IP) {
		struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
		info->ipi_ifindex = 0;
		info->ipi_spec_dst = info->ipi_addr;
	} else {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
		if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
			info->ipi6_ifindex = 0;
	}
}

/* The next place of the batch out, with the octets in it; the addresses are the caller's. */
static struct answer *batch_add(
	struct udp_batch *b, struct udp_listener *u, const void *wire, size_t length)
{
	if (b->out_count == BATCH || 2 * DATAGRAM_MAX - b->out_used < length)
		batch_send(b);
	struct answer *a = &b->answers[b->out_count++];
	a->from = u;
	a->wire = (struct iovec){ b->out_wire + b->out_used, length };
	memcpy(a->wire.iov_base, wire, length);
	b->out_used += length;
	loop_flush_later(b->loop, &b->flush);
	return a;
}

static void answer_queue(
	struct udp_batch *b, struct udp_listener *u, struct datagram *d, const struct incoming *in)
{
	struct answer *a = batch_add(b, u, in->answer, in->answer_length);
	a->peer = d->peer;
	answer_from(a, d);
}

/* An address as the socket takes it: on a dual-stack one IPv4 is mapped into IPv6. */
static struct sockaddr_in6 socket_address(const struct udp_listener *u, const struct endpoint *e)
{
	struct sockaddr_in6 a = e->v6;
	if (!endpoint_is_v6(&u->local) || endpoint_is_v6(e))
		return a;
	a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = e->v4.sin_port };
	memset(a.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(a.sin6_addr.s6_addr + 12, &e->v4.sin_addr, 4);
	return a;
}

/* As answer_from(), from an address. */
static void send_from(struct answer *a, const struct udp_listener *u, const struct endpoint *local)
{
	bool v6 = endpoint_is_v6(&u->local);
	a->control_length = 0;
	if (!u->wildcard)
		return;
	a->control_length =
		v6 ? CMSG_SPACE(sizeof(struct in6_pktinfo)) : CMSG_SPACE(sizeof(struct in_pktinfo));
	memset(a->control, 0, a->control_length);
	struct cmsghdr *c = (struct cmsghdr *)a->control; /* as CMSG_FIRSTHDR() has it where there is room for one */
	struct sockaddr_in6 from = socket_address(u, local);
	if (v6) {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof *info), IPPROTO_IPV6, IPV6_PKTINFO };
		info->ipi6_addr = from.sin6_addr;
		info->ipi6_ifindex = from.sin6_scope_id;
	} else {
		struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof *info), IPPROTO_IP, IP_PKTINFO };
		info->ipi_spec_dst = local->v4.sin_addr;
	}
}

void udp_send(struct udp_listener *u, const struct endpoint *local, const struct endpoint *client,
	struct view wire)
{
	struct answer *a = batch_add(u->loop->udp, u, wire.at, wire.length);
	a->peer = socket_address(u, client);
	send_from(a, u, local);
}

/* --- queries in --- */

/* The address that was asked, by the datagram's control data. */
static struct endpoint asked(const struct udp_listener *u, struct datagram *d)
{
	struct msghdr header = { .msg_control = d->control, .msg_controllen = d->control_length };
	struct cmsghdr *c = d->control_length ? CMSG_FIRSTHDR(&header) : NULL;
	struct endpoint e = u->local;
	if (!c)
		return e;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		e.v4.sin_addr = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		const struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
		e.v6.sin6_addr = info->ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
			e.v6.sin6_scope_id = info->ipi6_ifindex;
		e = endpoint_from(&e.any);
	}
	return e;
}

/* Takes the oldest query out of the ring; its count is the caller's. */
static struct datagram *pending_oldest(struct pending *p)
{
	struct datagram *d = p->ring[p->first];
	p->first = (p->first + 1) % SHED_PENDING_MAX;
	return d;
}

static void listener_free(struct udp_listener *u)
{
	struct udp_batch *b = u->loop->udp;
	batch_send(b);
	if (b->owner == u)
		b->count = b->at = 0;
	for (; u->pending && u->pending->count; u->pending->count--)
		datagram_put(&b->pool, pending_oldest(u->pending));
	free(u->pending);
	udp_proxies_free(&u->proxies);
	close(u->watch.fd);
	free(u);
	batch_leave(b);
}

/* Whoever is answered began to wait: the datagram stays with it, the batch gets another one. */
static void answering_waits(struct udp_batch *b)
{
	if (!b->answering)
		return;
	b->answering = false;
	if (++b->owner->waiting > BATCH && !timer_is_set(&b->trim))
		timer_set(b->loop, &b->trim, clock_batch() + TRIM_INTERVAL);
	slot_fill(b, b->at - 1);
}

/* Hands over the next datagram of the batch. False if its answer had to wait: the batch is no longer ours then. */
static bool answer_next(struct udp_batch *b, struct udp_listener *u)
{
	struct datagram *d = b->datagrams[b->at];
	struct incoming in = {
		.wire = d->wire,
		.length = b->in[b->at].msg_len,
		.client = endpoint_from((struct sockaddr *)&d->peer),
		.local = u->wildcard ? asked(u, d) : u->local,
		.transport = TRANSPORT_UDP,
		.listener = u->listener,
		.answer = loop_answer_room(u->loop),
		.answer_room = ANSWER_MAX,
	};
	uint64_t handoffs = u->loop->handoffs;
	ASAN_POISON_MEMORY_REGION(d->wire + in.length, DATAGRAM_MAX - in.length);
	b->at++;
	in.peer = in.client;
	if (u->proxies.policy && !udp_proxies_take(&u->proxies, u->listener, &in))
		return true;
	b->answering = true;
	u->handle(&in);
	assert(in.answer_length <= ANSWER_MAX);
	if (in.answer_length)
		answer_queue(b, u, d, &in);
	if (u->loop->handoffs == handoffs) {
		b->answering = false;
		return true;
	}
	datagram_put(&b->pool, d);
	u->waiting--;
	if (u->released && !u->waiting)
		listener_free(u);
	return false;
}

static bool receive(struct udp_batch *b, struct udp_listener *u)
{
	for (unsigned i = 0; SANITIZE_ADDRESS && i < BATCH; i++)
		ASAN_UNPOISON_MEMORY_REGION(b->datagrams[i]->wire, DATAGRAM_MAX);
	int count = recvmmsg(u->watch.fd, b->in, BATCH, MSG_DONTWAIT, NULL);
	b->owner = u;
	b->at = 0;
	b->count = count > 0 ? (unsigned)count : 0;
	b->drained = b->count < BATCH; /* what comes later is reported again */
	for (unsigned i = 0; i < b->count; i++) {
		struct msghdr *header = &b->in[i].msg_hdr;
		b->datagrams[i]->control_length = (socklen_t)header->msg_controllen;
		header->msg_namelen = sizeof b->datagrams[i]->peer;
		header->msg_controllen = sizeof b->datagrams[i]->control;
	}
	return count > 0;
}

/* --- shedding --- */

/* Moves what is left of the batch into the ring; gives how many queries had to make room. */
static unsigned batch_to_pending(struct udp_batch *b, struct pending *p)
{
	unsigned dropped = 0;
	for (; b->at < b->count; b->at++) {
		struct datagram *d = b->datagrams[b->at];
		d->length = b->in[b->at].msg_len;
		if (p->count == SHED_PENDING_MAX) {
			datagram_put(&b->pool, pending_oldest(p));
			p->count--;
			dropped++;
		}
		p->ring[(p->first + p->count++) % SHED_PENDING_MAX] = d;
		slot_fill(b, b->at);
	}
	return dropped;
}

/* Fills the batch with the newest queries, the newest first. */
static void pending_to_batch(struct udp_batch *b, struct udp_listener *u)
{
	struct pending *p = u->pending;
	b->owner = u;
	b->at = b->count = 0;
	while (p->count && b->count < BATCH) {
		unsigned i = b->count++;
		struct datagram *d = p->ring[(p->first + --p->count) % SHED_PENDING_MAX];
		datagram_put(&b->pool, b->datagrams[i]);
		b->datagrams[i] = d;
		b->in_wire[i].iov_base = d->wire;
		struct msghdr *header = &b->in[i].msg_hdr;
		header->msg_name = &d->peer;
		header->msg_control = d->control;
		b->in[i].msg_len = d->length;
	}
}

/* The batch is full: reads what else the kernel has, and leaves the newest of all in the batch. */
static void shed(struct udp_batch *b, struct udp_listener *u)
{
	unsigned dropped = 0;
	if (!u->pending)
		u->pending = memory_array(1, sizeof *u->pending);
	for (int i = 0; i < BATCHES_SHED; i++) {
		dropped += batch_to_pending(b, u->pending);
		if (!receive(b, u))
			break;
	}
	dropped += batch_to_pending(b, u->pending);
	tell_dropped(u, DROPPED_QUERY, dropped);
	pending_to_batch(b, u);
}

/* Says what is in the batch before it is answered. */
static void batch_foresee(const struct udp_batch *b, struct udp_listener *u)
{
	struct view datagrams[BATCH];
	if (!u->foresee || b->count < 2)
		return;
	for (unsigned i = 0; i < b->count; i++)
		datagrams[i] = (struct view){ (const char *)b->datagrams[i]->wire, b->in[i].msg_len };
	u->foresee(u->listener, datagrams, b->count);
}

/* The next queries to answer: what came last, then what is pending. False if there is nothing. */
static bool next_batch(struct udp_batch *b, struct udp_listener *u, bool may_receive)
{
	bool pending = u->pending && u->pending->count;
	if (may_receive && (!b->drained || pending) && receive(b, u)) {
		if (b->count == BATCH && u->shedding && u->shedding->wanted(u->listener))
			shed(b, u);
		return true;
	}
	if (!u->pending || !u->pending->count)
		return false;
	pending_to_batch(b, u);
	return true;
}

static void udp_ready(struct watch *w, uint32_t events)
{
	struct udp_listener *u = (struct udp_listener *)w;
	struct udp_batch *b = u->loop->udp;
	bool goes_on = b->owner == u && (b->answering || b->at < b->count);
	(void)events;
	answering_waits(b);
	if (b->owner != u)
		b->at = b->count = 0;
	if (!goes_on)
		b->drained = false;
	for (int turn = 0;; turn++) {
		while (b->at < b->count)
			if (!answer_next(b, u))
				return;
		if (!next_batch(b, u, turn < BATCHES_A_TURN))
			return;
		batch_foresee(b, u);
	}
}

struct udp_listener *udp_listen(
	struct loop *l, int fd, const struct endpoint *local, incoming_handler *handle, void *listener)
{
	struct udp_listener *u = memory_array(1, sizeof *u);
	*u = (struct udp_listener){
		.watch = { .fd = fd, .ready = udp_ready },
		.loop = l,
		.local = *local,
		.handle = handle,
		.listener = listener,
		.wildcard = endpoint_is_wildcard(local),
	};
	batch_join(l);
	loop_watch(l, &u->watch, EPOLLIN);
	return u;
}

void udp_shed(struct udp_listener *u, const struct udp_shedding *s)
{
	u->shedding = s;
}

void udp_foresee(struct udp_listener *u, udp_foresight *foresee)
{
	u->foresee = foresee;
}

void udp_expect_proxies(
	struct udp_listener *u, const struct proxy_policy *(*policy)(void *listener))
{
	u->proxies.policy = policy;
}

void udp_stop(struct udp_listener *u)
{
	if (!u->stopped)
		loop_unwatch(u->loop, &u->watch);
	u->stopped = true;
}

void udp_release(struct udp_listener *u)
{
	answering_waits(u->loop->udp);
	udp_stop(u);
	u->released = true;
	if (!u->waiting)
		listener_free(u);
}
