/* How a DNS message stands on a stream of a dedicated QUIC connection (RFC 9250 4.2), and the codes of errors there. */
#ifndef ISTHMUS_NET_QUIC_DOQ_FRAMING_H
#define ISTHMUS_NET_QUIC_DOQ_FRAMING_H

#include "base/view.h"

enum {
	DOQ_PREFIX = 2, /* octets of a message's length */
	DOQ_MESSAGE_MAX = DOQ_PREFIX + 65535,
};

/* RFC 9250 8.4 */
enum doq_code {
	DOQ_NO_ERROR = 0,
	DOQ_INTERNAL_ERROR = 1,
	DOQ_PROTOCOL_ERROR = 2,
	DOQ_REQUEST_CANCELLED = 3,
	DOQ_EXCESSIVE_LOAD = 4,
};

enum doq_frame {
	DOQ_PARTIAL, /* more has to come */
	DOQ_WHOLE,
	DOQ_BROKEN, /* no query: of length 0, with an id other than 0, or ended before its end */
};

/* What a stream's octets so far are; `ended`: no more come. Of a whole message, without its length,
 * *message is a view. What follows it is not looked at. */
enum doq_frame doq_frame_read(struct view octets, bool ended, struct view *message);

#endif
