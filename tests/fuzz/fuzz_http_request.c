/*
 * Requests as the versions of HTTP put them together: the first octet says which service and how
 * the rest is cut into method, path, content type and body. Whatever it is, the service reads a
 * message within limits or has a response.
 */
#include "fuzz.h"
#include "net/doh.h"
#include "net/grpc.h"

static void responds(const struct http_response *r)
{
	MUST(r->status >= 200 && r->status < 600);
	MUST(r->field_count <= HTTP_FIELDS_MAX && r->trailer_count <= HTTP_TRAILERS_MAX);
	for (unsigned i = 0; i < r->field_count; i++)
		MUST(r->fields[i].name.length > 0);
}

/* The octets up to the next zero. */
static struct view piece(struct view *rest)
{
	struct view v = view_first(*rest, view_find(*rest, '\0'));
	*rest = view_skip(*rest, v.length + (v.length < rest->length));
	return v;
}

static void answered(struct http_request *r, struct view message)
{
	static uint8_t octets[UINT16_MAX];
	struct http_response response;
	struct incoming in = { .answer = octets,
		.answer_length = message.length,
		.outcome = (enum incoming_outcome)(message.length % (INCOMING_MALFORMED + 1)) };
	http_request_answer(r, &in, &response);
	responds(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct http_request r;
	struct http_response response;
	struct view rest = { (const char *)data + 1, size - 1 }, message;
	const struct http_service *service = data[0] & 1 ? &grpc_service : &doh_service;
	http_request_begin(&r, service);
	http_request_field(&r, VIEW(":method"), piece(&rest));
	http_request_field(&r, VIEW(":path"), piece(&rest));
	http_request_field(&r, VIEW("content-type"), piece(&rest));
	http_request_field(&r, VIEW("grpc-timeout"), piece(&rest));
	if (rest.length)
		http_request_body(&r, rest);
	if (http_request_read(&r, &message, &response)) {
		MUST(message.length <= UINT16_MAX);
		answered(&r, message);
	} else {
		responds(&response);
	}
	http_request_end(&r);
	return 0;
}
