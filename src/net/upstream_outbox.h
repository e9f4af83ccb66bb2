/*
 * Sends what is asked in one round, by as few calls and as few passes through the kernel as can be: queries of one length go as
 * one message that the kernel cuts up again (UDP_SEGMENT). They are the same datagrams on the wire.
 */
#ifndef ISTHMUS_NET_UPSTREAM_OUTBOX_H
#define ISTHMUS_NET_UPSTREAM_OUTBOX_H

#include "net/upstream.h"

enum {
	OUTBOX_BATCH = 64,      /* queries a call; no more than the kernel's segments a message */
	OUTBOX_RUN_LENGTH = 512, /* longer queries go by themselves: a segment must not be larger than any path takes */
};

/* Queries of one length. */
struct outbox_run {
	struct attempt *first, **end;
	size_t length;
	unsigned count;
};

/* Room for one batch. Nothing stays in it. */
struct upstream_outbox {
	struct outbox_run runs[OUTBOX_BATCH];
	struct mmsghdr messages[OUTBOX_BATCH];
	struct iovec parts[OUTBOX_BATCH][2];
	_Alignas(struct cmsghdr) uint8_t control[OUTBOX_BATCH][CMSG_SPACE(sizeof(uint16_t))];
	uint8_t room[OUTBOX_BATCH * OUTBOX_RUN_LENGTH];
};

/*
 * Takes up to OUTBOX_BATCH queries off the queue and sends them on a connected socket. Gives errno if the peer cannot be
 * reached, else 0; where buffers are full queries are lost, as on the way. `whole`: the kernel refused to cut messages up, and is
 * not asked again.
 */
int outbox_send(struct upstream_outbox *out, struct attempt **queue, int fd, bool *whole);

#endif
