/* HTTP/1.1 (RFC 9112) as far as fetching a page needs it: any method, HEAD without a body,
 * keep-alive. */
#include "server/admin_http.h"

#include "base/clock.h"
#include "net/http.h"
#include "net/socket.h"
#include <errno.h>
#include <stdlib.h>

static const uint64_t request_timeout = 5 * NS_PER_S; /* for the whole head, and between requests */
static const uint64_t response_timeout = 5 * NS_PER_S;

/* The head of a request, as far as it matters here. */
struct request {
	struct view method, path;
	bool last; /* the connection ends with it */
	bool has_host;
	unsigned error; /* the status that says what is wrong with it; 0: nothing */
};

/* --- reading --- */

/* Octets up to and with the empty line that ends the head; 0 while it is not there. */
static size_t head_length(const struct admin_connection *c)
{
	const char *at = c->request, *end = at + c->received;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at + 1 - c->request);
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at + 2 - c->request);
	}
	return 0;
}

/* Empty lines before a request are to be passed over (RFC 9112 2.2). */
static void skip_empty_lines(struct admin_connection *c)
{
	size_t n = 0;
	while (n < c->received && (c->request[n] == '\r' || c->request[n] == '\n'))
		n++;
	c->received -= n;
	memmove(c->request, c->request + n, c->received);
}

/* Reads until a whole head is there and gives its length: 0 when the connection is over, more than
 * received is never given. */
static size_t read_head(struct admin_connection *c, bool *too_long)
{
	uint64_t deadline = clock_now() + request_timeout;
	size_t length;
	*too_long = false;
	while (skip_empty_lines(c), !(length = head_length(c))) {
		if (c->received == sizeof c->request) {
			*too_long = true;
			return 0;
		}
		if (c->closing || wait_readable(c->fd, deadline) != WAIT_READY)
			return 0;
		ssize_t n = recv(c->fd, c->request + c->received, sizeof c->request - c->received,
			MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		c->received += n > 0 ? (size_t)n : 0;
	}
	return length;
}

/* The path of a target in origin or absolute form (RFC 9112 3.2), without its query. */
static struct view target_path(struct view target)
{
	if (view_starts(target, VIEW("http://"))) {
		target = view_skip(target, strlen("http://"));
		target = view_skip(target, view_find(target, '/'));
	}
	return view_first(target, view_find(target, '?'));
}

static bool request_line(struct request *r, struct view line)
{
	r->method = view_word(&line);
	r->path = target_path(view_word(&line));
	struct view version = view_word(&line);
	r->last = !view_is(version, "HTTP/1.1");
	if (line.length > 0 || version.length == 0)
		return false;
	if (!view_starts(version, VIEW("HTTP/1.")))
		r->error = 505;
	return true;
}

static void header_line(struct request *r, struct view line)
{
	size_t colon = view_find(line, ':');
	if (colon == 0 || colon == line.length) {
		r->error = 400;
		return;
	}
	struct view name = view_first(line, colon), value = view_trim(view_skip(line, colon + 1));
	if (view_equal_nocase(name, VIEW("Host"))) {
		r->has_host = true;
	} else if (view_equal_nocase(name, VIEW("Connection"))) {
		if (view_equal_nocase(value, VIEW("close")))
			r->last = true;
	} else if (view_equal_nocase(name, VIEW("Transfer-Encoding"))) {
		r->last = true; /* a body is not read, so nothing behind it is */
	} else if (view_equal_nocase(name, VIEW("Content-Length")) && !view_is(value, "0")) {
		r->last = true;
	}
}

static struct request parse_head(struct view head)
{
	struct request r = { 0 };
	struct view line;
	if (!view_line(&head, &line) || !request_line(&r, line)) {
		r.error = 400;
		return r;
	}
	bool http_1_1 = !r.last;
	while (view_line(&head, &line) && line.length > 0)
		header_line(&r, line);
	if (http_1_1 && !r.has_host && !r.error)
		r.error = 400;
	return r;
}

/* --- writing --- */

static bool send_page(
	struct admin_connection *c, const struct admin_page *page, bool head, bool last)
{
	struct view date = http_date();
	struct text out = { 0 };
	text_printf(&out,
		"HTTP/1.1 %u %s\r\nDate: %.*s\r\nContent-Type: %s\r\nX-Content-Type-Options: "
		"nosniff\r\n"
		"Content-Length: %zu\r\n%s\r\n",
		page->status, http_reason(page->status), VIEW_ARGS(date), page->content_type, page->body.length,
		last ? "Connection: close\r\n" : "");
	if (!head)
		text_add(&out, text_view(&page->body));
	bool sent = socket_send_all(c->fd, text_view(&out), clock_now() + response_timeout);
	text_free(&out);
	return sent;
}

/* --- serving --- */

static void error_page(struct admin_page *page, unsigned status)
{
	page->status = status;
	if (status == 404)
		text_add_string(&page->body, "404 page not found\n");
	else
		text_printf(&page->body, "%u %s", status, http_reason(status));
}

/* Answers one request; false when it was the connection's last. */
static bool answer(struct admin_connection *c, const struct request *r)
{
	struct admin_page page = { .status = 200, .content_type = "text/plain; charset=utf-8" };
	c->busy = true;
	if (r->error)
		error_page(&page, r->error);
	else if (!c->make_page(c, r->path, &page))
		error_page(&page, 404);
	bool last = r->error || r->last || c->closing;
	bool sent = send_page(c, &page, view_is(r->method, "HEAD"), last);
	c->busy = false;
	text_free(&page.body);
	return sent && !last;
}

void admin_connection_serve(struct admin_connection *c)
{
	bool too_long;
	size_t length;
	while ((length = read_head(c, &too_long)) > 0) {
		struct request r = parse_head((struct view){ c->request, length });
		if (!answer(c, &r))
			return;
		c->received -= length;
		memmove(c->request, c->request + length, c->received);
	}
	if (too_long)
		answer(c, &(struct request){ .error = 431 });
}
