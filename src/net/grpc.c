/* DNS over gRPC: the framing of calls, DnsPacket, statuses. */
#include "net/grpc.h"

#include "base/clock.h"
#include "base/protobuf.h"

enum {
	MESSAGE_MAX_OCTETS = UINT16_MAX, /* of DNS */
	PACKET_MAX = 65539,		 /* of a DnsPacket */
	PACKET_MSG = 1,
	TIMEOUT_DIGITS = 8,
};

const char *grpc_status_name(int status)
{
	static const char *const names[] = { "OK", "Canceled", "Unknown", "InvalidArgument",
		"DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
		"FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable",
		"DataLoss", "Unauthenticated" };
	bool known = status >= 0 && (size_t)status < sizeof names / sizeof names[0];
	return known ? names[status] : "Unknown";
}

/* --- reading --- */

static enum grpc_status failed(enum grpc_status status, struct view *why, struct view text)
{
	*why = text;
	return status;
}

/* As every reader of protocol buffers does it: of a field that is there more than once the last one
 * counts. */
static enum grpc_status read_packet(struct view packet, struct view *message, struct view *why)
{
	struct protobuf_reader r = protobuf_reader(packet);
	struct protobuf_field f;
	*message = (struct view){ "", 0 };
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, PACKET_MSG))
			*message = f.octets;
	}
	if (r.failed)
		return failed(GRPC_INTERNAL, why, VIEW("grpc: error unmarshalling request"));
	if (message->length > MESSAGE_MAX_OCTETS)
		return failed(GRPC_UNKNOWN, why, VIEW("dns message exceeds size limit"));
	return GRPC_OK;
}

enum grpc_status grpc_read(struct view body, struct view *message, struct view *why)
{
	if (body.length < GRPC_FRAME_HEAD)
		return failed(GRPC_INTERNAL, why, VIEW("grpc: no whole message"));
	const uint8_t *head = (const uint8_t *)body.at;
	size_t length =
		(size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
	if (head[0])
		return failed(GRPC_UNIMPLEMENTED, why, VIEW("grpc: compression is not supported"));
	if (length > PACKET_MAX)
		return failed(GRPC_RESOURCE_EXHAUSTED, why,
			VIEW("grpc: received message larger than max (65539)"));
	if (length != body.length - GRPC_FRAME_HEAD)
		return failed(GRPC_INTERNAL, why, VIEW("grpc: no single whole message"));
	return read_packet(view_skip(body, GRPC_FRAME_HEAD), message, why);
}

static uint64_t unit_of(char c)
{
	switch (c) {
	case 'H':
		return 3600 * NS_PER_S;
	case 'M':
		return 60 * NS_PER_S;
	case 'S':
		return NS_PER_S;
	case 'm':
		return NS_PER_MS;
	case 'u':
		return 1000;
	default:
		return c == 'n';
	}
}

uint64_t grpc_timeout(struct view text)
{
	uint64_t value;
	if (text.length < 2 || text.length > TIMEOUT_DIGITS + 1 ||
		!view_unsigned(view_first(text, text.length - 1), UINT32_MAX, &value))
		return 0;
	return value * unit_of(text.at[text.length - 1]);
}

/* "application/grpc", or with the format of messages behind it, "+proto". */
static bool is_grpc(struct view type)
{
	const struct view plain = VIEW("application/grpc");
	if (!view_starts(type, plain))
		return false;
	return type.length == plain.length || strchr("+;", type.at[plain.length]);
}

static void field(struct http_request *r, struct view name, struct view value)
{
	if (view_is(name, ":path")) {
		bool is_query = view_is(value, "/coredns.dns.DnsService/Query");
		r->path = is_query ? HTTP_FITTING : HTTP_UNFIT;
	} else if (view_is(name, "content-type")) {
		r->media = is_grpc(value) ? HTTP_FITTING : HTTP_UNFIT;
	} else if (view_is(name, "grpc-timeout")) {
		r->timeout = grpc_timeout(value);
	}
}

/* --- responses --- */

/* A response without a message has its status in the only head that there is ("Trailers-Only"). */
static void respond_status(struct http_response *to, enum grpc_status status, struct view text)
{
	http_response_begin(to, 200);
	http_response_field(to, VIEW("content-type"), VIEW("application/grpc"));
	http_response_number(to, VIEW("grpc-status"), VIEW(""), status);
	http_response_field(to, VIEW("grpc-message"), text);
}

static bool refuse(struct http_response *to, enum grpc_status status, struct view text)
{
	respond_status(to, status, text);
	return false;
}

static bool refuse_http(struct http_response *to, unsigned status)
{
	http_response_begin(to, status);
	http_response_number(to, VIEW("content-length"), VIEW(""), 0);
	return false;
}

static bool read_call(struct http_request *r, struct view *message, struct http_response *to)
{
	struct view why;
	if (r->method != HTTP_POST)
		return refuse_http(to, 405);
	if (r->media != HTTP_FITTING)
		return refuse_http(to, 415);
	if (r->path != HTTP_FITTING)
		return refuse(to, GRPC_UNIMPLEMENTED, VIEW("unknown service or method"));
	if (r->too_large)
		return refuse(to, GRPC_RESOURCE_EXHAUSTED,
			VIEW("grpc: received message larger than max (65539)"));
	enum grpc_status status =
		grpc_read((struct view){ (const char *)r->body, r->length }, message, &why);
	return status == GRPC_OK || refuse(to, status, why);
}

size_t grpc_write_head(uint8_t head[static 16], size_t message_length)
{
	struct protobuf_writer w = { .to = head, .room = 16, .length = GRPC_FRAME_HEAD };
	protobuf_write_head(&w, PACKET_MSG, message_length);
	size_t length = w.length - GRPC_FRAME_HEAD + message_length;
	head[0] = 0;
	for (int i = 0; i < 4; i++)
		head[1 + i] = (uint8_t)(length >> (24 - 8 * i) & 0xff);
	return w.length;
}

static void respond(
	const struct http_request *r, const struct incoming *in, struct http_response *to)
{
	uint8_t head[16];
	(void)r;
	if (in->outcome == INCOMING_TOO_SHORT) {
		respond_status(to, GRPC_UNKNOWN, VIEW("dns: buffer size too small"));
	} else if (in->outcome == INCOMING_REJECTED) {
		respond_status(to, GRPC_UNKNOWN, VIEW("dns request rejected"));
	} else if (in->outcome == INCOMING_MALFORMED) {
		respond_status(to, GRPC_UNKNOWN, VIEW("dns: malformed message"));
	} else if (!in->answer_length) {
		respond_status(to, GRPC_UNKNOWN, VIEW("no response"));
	} else {
		http_response_begin(to, 200);
		http_response_field(to, VIEW("content-type"), VIEW("application/grpc"));
		size_t length = grpc_write_head(head, in->answer_length);
		to->prefix = http_response_keep(to, (struct view){ (const char *)head, length });
		to->body = (struct view){ (const char *)in->answer, in->answer_length };
		http_response_trailer(to, VIEW("grpc-status"), VIEW("0"));
		http_response_trailer(to, VIEW("grpc-message"), VIEW(""));
	}
}

const struct http_service grpc_service = {
	.http2 = TRANSPORT_GRPC,
	.http3 = TRANSPORT_GRPC,
	.body_max = GRPC_FRAME_HEAD + PACKET_MAX,
	.field = field,
	.read = read_call,
	.answer = respond,
};
