/* The engine: libcurl's multi interface, driven from outside. */
#include "sync/http_engine.h"
#include "sync/http_pem.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	KEEPALIVE_IDLE_S = 30,
	KEEPALIVE_INTERVAL_S = 15,
	UNANSWERED_MS = 45000, /* what we sent and nobody acknowledged: the connection is dead */
	PEM_FILES_MAX = 3, /* authorities, certificate, key */
	REDIRECTS_MAX = 5,
};

struct engine {
	CURLM *multi;
	struct http_host host;
	struct pem_files pem_files;
};

struct transfer {
	CURL *easy;
	const struct http_request *request;
	void *owner;
	struct curl_slist *headers, *connect_to;
	struct view unsent; /* of a body that goes on */
	uint64_t received;
	struct pem_file *pem_files[PEM_FILES_MAX];
	unsigned pem_file_count;
	bool headed, given_up;
	char error[CURL_ERROR_SIZE];
};

/* --- curl calls --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
	struct engine *e = data;
	unsigned interest = 0;
	(void)easy;
	(void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		interest |= HTTP_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		interest |= HTTP_WRITABLE;
	e->host.watch(e->host.owner, fd, interest);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *data)
{
	struct engine *e = data;
	(void)multi;
	e->host.wait(e->host.owner, ms);
	return 0;
}

static int on_connection(void *data, curl_socket_t fd, curlsocktype purpose)
{
	unsigned unanswered = UNANSWERED_MS;
	(void)data;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, sizeof unanswered);
	return CURL_SOCKOPT_OK;
}

/* Connections outlive transfers: whoever watches one must know before its descriptor is gone. */
static int on_close(void *data, curl_socket_t fd)
{
	struct engine *e = data;
	e->host.watch(e->host.owner, fd, 0);
	return close(fd);
}

static long status_of(const struct transfer *t)
{
	long status = 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static struct view type_of(const struct transfer *t)
{
	const char *type = NULL;
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	return view_of(type ? type : "");
}

static bool hand_head(struct transfer *t)
{
	if (t->headed)
		return true;
	t->headed = true;
	return !t->request->head || t->request->head(t->request->owner, status_of(t), type_of(t));
}

static size_t on_body(char *at, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t length = size * count;
	t->received++;
	t->given_up = !hand_head(t) ||
		      (t->request->receive &&
			      !t->request->receive(t->request->owner, (struct view){ at, length }));
	return t->given_up ? 0 : length;
}

/* A line of the head, or of the fields behind the body. */
static size_t on_header(char *at, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	struct view line = { at, size * count };
	size_t colon = view_find(line, ':');
	t->received++;
	if (!t->request->field || colon == line.length)
		return line.length;
	struct view name = view_first(line, colon), value = view_trim(view_skip(line, colon + 1));
	t->given_up = !t->request->field(t->request->owner, name, value);
	return t->given_up ? 0 : line.length;
}

/* A body that goes on: what there is of it now. */
static size_t on_read(char *to, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t room = size * count;
	if (!t->unsent.length && !t->request->more(t->request->owner, &t->unsent)) {
		t->given_up = true;
		return CURL_READFUNC_ABORT;
	}
	if (!t->unsent.length)
		return CURL_READFUNC_PAUSE;
	size_t length = t->unsent.length < room ? t->unsent.length : room;
	memcpy(to, t->unsent.at, length);
	t->unsent = view_skip(t->unsent, length);
	return length;
}

/* --- ends --- */

static enum http_end end_of(const struct transfer *t, CURLcode code)
{
	long error = 0;
	if (t->given_up)
		return HTTP_GIVEN_UP;
	switch (code) {
	case CURLE_OK:
		return HTTP_DONE;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
		return error == ECONNREFUSED ? HTTP_REFUSED : HTTP_FAILED;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return HTTP_BROKEN;
	default:
		return HTTP_FAILED;
	}
}

static void transfer_free(struct engine *e, struct transfer *t)
{
	curl_multi_remove_handle(e->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	for (unsigned i = 0; i < t->pem_file_count; i++)
		pem_file_drop(t->pem_files[i]);
	free(t);
}

static void end(struct engine *e, struct transfer *t, CURLcode code)
{
	struct http_result result = { .status = status_of(t) };
	curl_off_t after = 0;
	if (code == CURLE_OK && !hand_head(t))
		t->given_up = true;
	result.end = end_of(t, code);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
	result.retry_after = (long)after;
	if (result.end != HTTP_DONE)
		snprintf(result.error, sizeof result.error, "%s",
			t->error[0] ? t->error : curl_easy_strerror(code));
	void *owner = t->owner;
	transfer_free(e, t);
	e->host.ended(owner, &result);
}

static void end_all(struct engine *e)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(e->multi, &left));) {
		struct transfer *t = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		end(e, t, code);
	}
}

/* --- transfers --- */

/* False: the data cannot be made a file. */
static bool set_pem(struct engine *e, struct transfer *t, CURLoption option, const char *file, struct view data)
{
	if (data.length) {
		struct pem_file *f = pem_file_take(&e->pem_files, data);
		if (!f)
			return false;
		t->pem_files[t->pem_file_count++] = f;
		file = pem_file_path(f);
	}
	if (file)
		curl_easy_setopt(t->easy, option, file);
	return true;
}

/* The system's, or those that the variables name which OpenSSL and Go know. */
static void trust_system(CURL *easy)
{
	const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
	if (file && *file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
	if (folder && *folder)
		curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}

/* These and no others: libcurl would add its own file and folder. */
static bool trust_only(struct engine *e, struct transfer *t, const struct http_tls *tls)
{
	curl_easy_setopt(t->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(t->easy, CURLOPT_CAPATH, tls->authorities_folder);
	return set_pem(e, t, CURLOPT_CAINFO, tls->authorities_file, tls->authorities);
}

static bool set_tls(struct engine *e, struct transfer *t, const struct http_tls *tls)
{
	CURL *easy = t->easy;
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (!tls || !(tls->authorities_file || tls->authorities_folder || tls->authorities.length))
		trust_system(easy);
	else if (!trust_only(e, t, tls))
		return false;
	if (!tls)
		return true;
	if (tls->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return set_pem(e, t, CURLOPT_SSLCERT, tls->certificate_file, tls->certificate) &&
	       set_pem(e, t, CURLOPT_SSLKEY, tls->key_file, tls->key);
}

static long milliseconds(uint64_t ns)
{
	return (long)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static bool set_request(struct engine *e, struct transfer *t)
{
	const struct http_request *r = t->request;
	CURL *easy = t->easy;
	for (const char *const *h = r->headers; h && *h; h++)
		t->headers = curl_slist_append(t->headers, *h);
	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(r->connect_timeout));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(r->timeout));
	if (r->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->more) {
		t->unsent = r->body;
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, t);
	} else if (r->body.length) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.at);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.length);
	}
	if (r->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	if (r->proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, r->proxy);
	if (r->connect_to) {
		t->connect_to = curl_slist_append(NULL, r->connect_to);
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, t->connect_to);
	}
	return set_tls(e, t, r->tls);
}

static long version_of(const struct http_request *r)
{
	return r->http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2TLS;
}

/* libcurl 7.88 cannot ask a second time on a connection that has HTTP/2 in the clear. */
static bool breaks_reuse(const struct http_request *r)
{
	return r->http2 && strncmp(r->url, "http:", 5) == 0 &&
	       curl_version_info(CURLVERSION_NOW)->version_num < CURL_VERSION_BITS(8, 0, 0);
}

static void set_behaviour(struct engine *e, struct transfer *t)
{
	CURL *easy = t->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, t->request->stay ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version_of(t->request));
	/* One connection for all where there can be; without TLS there is only HTTP/1.1, one request at a time. */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncmp(t->request->url, "https:", 6) == 0 ? 1L : 0L);
	if (breaks_reuse(t->request)) {
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_connection);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, e);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
}

static void *start(void *engine, const struct http_request *r, void *owner)
{
	struct engine *e = engine;
	struct transfer *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->easy = curl_easy_init();
	t->request = r;
	t->owner = owner;
	if (!t->easy) {
		free(t);
		return NULL;
	}
	set_behaviour(e, t);
	if (set_request(e, t) && curl_multi_add_handle(e->multi, t->easy) == CURLM_OK)
		return t;
	transfer_free(e, t);
	return NULL;
}

static void cancel(void *engine, void *transfer)
{
	transfer_free(engine, transfer);
}

static void resume(void *transfer)
{
	curl_easy_pause(((struct transfer *)transfer)->easy, CURLPAUSE_CONT);
}

static uint64_t progress(const void *transfer)
{
	return ((const struct transfer *)transfer)->received;
}

static void ready(void *engine, int fd, unsigned interest)
{
	struct engine *e = engine;
	int running, mask = (interest & HTTP_READABLE ? CURL_CSELECT_IN : 0) |
			    (interest & HTTP_WRITABLE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(e->multi, fd, mask, &running);
	end_all(e);
}

static void expired(void *engine)
{
	struct engine *e = engine;
	int running;
	curl_multi_socket_action(e->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	end_all(e);
}

/* --- the engine --- */

static void *open_multi(const struct http_host *host)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->host = *host;
	e->multi = curl_multi_init();
	if (!e->multi) {
		free(e);
		return NULL;
	}
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return e;
}

static void close_multi(void *engine)
{
	struct engine *e = engine;
	curl_multi_cleanup(e->multi);
	pem_files_free(&e->pem_files);
	free(e);
}

extern const struct http_engine isthmus_http_engine;

__attribute__((visibility("default"))) const struct http_engine isthmus_http_engine = {
	.open = open_multi,
	.close = close_multi,
	.start = start,
	.cancel = cancel,
	.resume = resume,
	.progress = progress,
	.ready = ready,
	.expired = expired,
};
