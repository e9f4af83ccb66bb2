/* Error answers: "<ErrorResponse><Error><Code>...", or the older "<InvalidChangeBatch><Messages><Message>...". */
#include "sync/aws_error.h"

#include "sync/http_answer.h"
#include "sync/xml.h"

struct reading {
	struct arena *arena;
	struct aws_error *to;
	unsigned depth;
};

static const char *line_of(struct arena *arena, struct view text)
{
	return http_body_line(arena, text);
}

static void take(struct reading *r, struct view name, const char *wanted, struct view text, const char **to)
{
	if (view_is(name, wanted) && !**to)
		*to = line_of(r->arena, text);
}

static bool on_open(void *owner, struct view name)
{
	struct reading *r = owner;
	/* The root of the older form is the code itself. */
	if (r->depth++ == 0 && !view_is(name, "ErrorResponse") && !view_ends(name, VIEW("Response")) &&
		!view_is(name, "html"))
		r->to->code = line_of(r->arena, name);
	return true;
}

static bool on_close(void *owner, struct view name, struct view text)
{
	struct reading *r = owner;
	r->depth--;
	take(r, name, "Code", text, &r->to->code);
	take(r, name, "Message", text, &r->to->message);
	take(r, name, "RequestId", text, &r->to->request_id);
	take(r, name, "RequestID", text, &r->to->request_id);
	return true;
}

void aws_error_read(struct arena *arena, struct view body, struct aws_error *e)
{
	struct reading reading = { arena, e, 0 };
	const struct xml_handler handler = { on_open, on_close, &reading };
	const char *why;
	*e = (struct aws_error){ "", "", "" };
	struct xml_reader *r = xml_reader_new(arena, &handler, &why);
	if (r && xml_feed(r, body))
		xml_end(r);
	xml_reader_free(r);
}

static bool is_one_of(const char *code, const char *const *codes)
{
	while (*codes && strcmp(*codes, code) != 0)
		codes++;
	return *codes != NULL;
}

bool aws_error_throttles(const char *code)
{
	static const char *const codes[] = { "Throttling", "ThrottlingException", "ThrottledException",
		"RequestThrottledException", "TooManyRequestsException", "ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
		"EC2ThrottledException", NULL };
	return is_one_of(code, codes);
}

bool aws_error_passes(const char *code)
{
	static const char *const codes[] = { "RequestTimeout", "RequestTimeoutException", NULL };
	return is_one_of(code, codes);
}

bool aws_error_is_of_keys(const char *code)
{
	static const char *const codes[] = { "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
		"UnrecognizedClientException", "InvalidSecurity", NULL };
	return is_one_of(code, codes);
}

bool aws_error_may_be_of_time(const char *code)
{
	static const char *const codes[] = { "RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException",
		"SignatureDoesNotMatch", "AuthFailure", "RequestInTheFuture", NULL };
	return is_one_of(code, codes);
}
