/* Queries of a round on their way out. */
#include "net/upstream_outbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

/* The run that a query of this length joins. */
static struct outbox_run *run_of(
	struct upstream_outbox *out, unsigned *count, size_t length, bool whole)
{
	bool alone = whole || length > OUTBOX_RUN_LENGTH;
	for (unsigned i = *count; i-- > 0 && !alone;)
		if (out->runs[i].length == length)
			return &out->runs[i];
	struct outbox_run *r = &out->runs[(*count)++];
	*r = (struct outbox_run){ .end = &r->first, .length = length };
	return r;
}

/* Takes queries off the queue and puts those of one length together; gives how many runs there are. */
static unsigned runs_make(struct upstream_outbox *out, struct attempt **queue, bool whole)
{
	unsigned runs = 0;
	for (unsigned taken = 0; *queue && taken < OUTBOX_BATCH; taken++) {
		struct attempt *a = *queue;
		*queue = a->queue_next;
		a->queued = false;
		a->queue_next = NULL;
		struct outbox_run *r = run_of(out, &runs, a->query_length, whole);
		*r->end = a;
		r->end = &a->queue_next;
		r->count++;
	}
	return runs;
}

/* A query by itself, where it lies but for its id. */
static void message_of_one(struct msghdr *m, const struct attempt *a)
{
	m->msg_iov[0] = (struct iovec){ (uint8_t *)(uintptr_t)a->id, sizeof a->id };
	m->msg_iov[1] = (struct iovec){ (uint8_t *)(uintptr_t)a->query + sizeof a->id,
		a->query_length - sizeof a->id };
	m->msg_iovlen = 2;
}

/* A run's queries, one behind the other in the outbox's room. Gives where the room goes on. */
static uint8_t *message_of_run(
	struct msghdr *m, const struct outbox_run *r, uint8_t *room, uint8_t *control)
{
	m->msg_iov[0] = (struct iovec){ room, r->count * r->length };
	m->msg_iovlen = 1;
	for (const struct attempt *a = r->first; a; a = a->queue_next) {
		memcpy(room, a->query, r->length);
		memcpy(room, a->id, sizeof a->id);
		room += r->length;
	}
	uint16_t segment = (uint16_t)r->length;
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(sizeof segment);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof segment),
		.cmsg_level = IPPROTO_UDP,
		.cmsg_type = UDP_SEGMENT };
	memcpy(CMSG_DATA(c), &segment, sizeof segment);
	return room;
}

static void messages_make(struct upstream_outbox *out, unsigned runs)
{
	uint8_t *room = out->room;
	for (unsigned i = 0; i < runs; i++) {
		const struct outbox_run *r = &out->runs[i];
		struct msghdr *m = &out->messages[i].msg_hdr;
		*m = (struct msghdr){ .msg_iov = out->parts[i] };
		if (r->count == 1)
			message_of_one(m, r->first);
		else
			room = message_of_run(m, r, room, out->control[i]);
	}
}

static bool is_about_the_peer(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EHOSTDOWN || error == ENETDOWN || error == EPERM || error == EACCES ||
	       error == EINVAL;
}

/* Whether a run was refused since nothing on the way cuts messages up: no checksums in hardware, IPsec. */
static bool is_about_runs(const struct msghdr *m, int error)
{
	return m->msg_control && (error == EIO || error == EINVAL || error == EOPNOTSUPP ||
					 error == ENOPROTOOPT || error == EMSGSIZE);
}

/* Sends the queries of a run one by one. */
static void run_send_apart(const struct outbox_run *r, int fd)
{
	for (const struct attempt *a = r->first; a; a = a->queue_next) {
		struct iovec parts[2];
		struct msghdr m = { .msg_iov = parts };
		message_of_one(&m, a);
		(void)!sendmsg(fd, &m, MSG_DONTWAIT);
	}
}

/* An error that an earlier datagram left behind is reported here in place of sending: tried once more. */
int outbox_send(struct upstream_outbox *out, struct attempt **queue, int fd, bool *whole)
{
	unsigned runs = runs_make(out, queue, *whole), at = 0, retries = 0;
	messages_make(out, runs);
	while (at < runs) {
		int sent = sendmmsg(fd, out->messages + at, runs - at, MSG_DONTWAIT);
		if (sent > 0) {
			at += (unsigned)sent;
		} else if (is_about_runs(&out->messages[at].msg_hdr, errno)) {
			*whole = true;
			run_send_apart(&out->runs[at++], fd);
		} else if (is_about_the_peer(errno)) {
			if (retries++ || errno != ECONNREFUSED)
				return errno;
		} else if (errno != EINTR) {
			return 0;
		}
	}
	return 0;
}
