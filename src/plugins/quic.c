/* Limits of DNS over QUIC. */
#include "plugins/transport_limits.h"
#include "server/quic_service.h"

static struct transport_limits *limits(struct setup *s)
{
	return &s->block->transport_limits[SCHEME_QUIC];
}

static bool read_streams(struct setup *s)
{
	return transport_limit_read(s, "max_streams", 1, &limits(s)->streams);
}

static bool read_pool_size(struct setup *s)
{
	return transport_limit_read(s, "worker_pool_size", 1, &limits(s)->active);
}

static bool quic_setup(struct setup *s)
{
	return arg_end(s);
}

static const struct option quic_options[] = {
	{ "max_streams", "N", "256", "queries that a client may have under way on a connection",
		read_streams },
	{ "worker_pool_size", "N", "1024",
		"queries of all clients that are worked on at once; more wait their turn",
		read_pool_size },
	{ 0 },
};

static const struct metric_family *const quic_metrics[] = { &quic_responses_total, NULL };

PLUGIN(quic) = {
	.name = "quic",
	.help = "sets the limits of quic:// listeners (DNS over dedicated QUIC connections, RFC "
		"9250)",
	.about = "Listeners of quic:// need `tls`; `timeouts` sets how long a query may take to "
		 "come in (`read`) and how long a connection "
		 "may be idle (`idle`). Limits hold for each listener; where several blocks share "
		 "one, the first one's do.\n\n"
		 "A client that sends what is no query is disconnected with the code 0x2 "
		 "(DOQ_PROTOCOL_ERROR): a message of length 0, one that "
		 "is cut off or does not come in time, one with an id other than 0, with the "
		 "option edns-tcp-keepalive, a response. A query "
		 "that gets no answer has its stream reset with 0x1 (DOQ_INTERNAL_ERROR). At most "
		 "1,000 connections are open at once: a new "
		 "one takes the place of the one that has been idle longest, or is closed with 0x4 "
		 "(DOQ_EXCESSIVE_LOAD) when all are in use.\n\n"
		 "Clients must show that their address is their own (Retry) while many handshakes "
		 "are under way. Early data (0-RTT) is not "
		 "taken: it could be replayed.",
	.options = quic_options,
	.metrics = quic_metrics,
	.setup = quic_setup,
};
