/* Limits of DNS over HTTPS. */
#include "net/http_counts.h"
#include "plugins/transport_limits.h"

static bool read_connections(struct setup *s)
{
	return transport_limit_read(
		s, "max_connections", 0, &s->block->transport_limits[SCHEME_HTTPS].connections);
}

static bool https_setup(struct setup *s)
{
	return arg_end(s);
}

static const struct option options[] = {
	{ "max_connections", "N", "200",
		"connections of all clients that may be open; 0: any number", read_connections },
	{ 0 },
};

static const struct metric_family *const metrics[] = { &https_responses, &http_limits, NULL };

PLUGIN(https) = {
	.name = "https",
	.help = "sets the limits of https:// listeners (DNS over HTTPS, RFC 8484)",
	.about = "Listeners of https:// take GET and POST on /dns-query, over HTTP/2 (250 requests "
		 "of a "
		 "connection at once) and HTTP/1.1; without `tls` over HTTP/1.1 in the clear, for "
		 "proxies in front of the server. An answer is fresh (cache-control: max-age) for "
		 "as "
		 "long as its smallest TTL says, an hour at most. `timeouts` sets how long a "
		 "request "
		 "may take to come in (`read`), until a client that reads nothing is cut off "
		 "(`write`), and between requests (`idle`).\n\n"
		 "A connection over the limit takes the place of the one that has been idle "
		 "longest; "
		 "while all are at work it has to wait. Where several blocks share a listener, the "
		 "first one's limit holds. Requests with more than 64 KiB, and clients that send "
		 "floods of frames that ask for nothing, are refused.",
	.options = options,
	.metrics = metrics,
	.setup = https_setup,
};
