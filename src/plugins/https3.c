/* Limits of DNS over HTTP/3. */
#include "plugins/transport_limits.h"
#include "server/quic_service.h"

static struct transport_limits *limits(struct setup *s)
{
	return &s->block->transport_limits[SCHEME_HTTPS3];
}

static bool read_streams(struct setup *s)
{
	return transport_limit_read(s, "max_streams", 0, &limits(s)->streams);
}

static bool read_connections(struct setup *s)
{
	return transport_limit_read(s, "max_connections", 0, &limits(s)->connections);
}

static bool https3_setup(struct setup *s)
{
	return arg_end(s);
}

static const struct option https3_options[] = {
	{ "max_streams", "N", "256",
		"requests that a client may have under way on a connection; 0: 100", read_streams },
	{ "max_connections", "N", "200",
		"connections of all clients that may be open; 0: any number", read_connections },
	{ 0 },
};

static const struct metric_family *const https3_metrics[] = { &https3_responses, NULL };

PLUGIN(https3) = {
	.name = "https3",
	.help = "sets the limits of https3:// listeners (DNS over HTTP/3, RFC 8484, RFC 9114)",
	.about = "Listeners of https3:// need `tls`. Requests and responses are those of https://: "
		 "GET and POST on /dns-query. `timeouts` sets "
		 "how long a request may take to come in (`read`) and how long a connection may be "
		 "idle (`idle`). Limits hold for each "
		 "listener; where several blocks share one, the first one's do.\n\n"
		 "A connection over the limit takes the place of the one that has been idle "
		 "longest, or is closed with 0x107 "
		 "(H3_EXCESSIVE_LOAD) when all are in use. Clients must show that their address is "
		 "their own (Retry) while many handshakes are "
		 "under way. Early data (0-RTT) is not taken: it could be replayed.",
	.options = https3_options,
	.metrics = https3_metrics,
	.setup = https3_setup,
};
