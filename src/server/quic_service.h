/* What quic:// and https3:// listeners serve, and what is counted of it. */
#ifndef ISTHMUS_SERVER_QUIC_SERVICE_H
#define ISTHMUS_SERVER_QUIC_SERVICE_H

#include "base/metrics.h"
#include "net/quic/quic.h"
#include "server/listener.h"

/* The service and the limits of a listener of one of these schemes. */
struct quic_service quic_service_of(struct listener *l, unsigned worker, incoming_handler *handle);
struct quic_limits quic_limits_of(const struct endpoint_group *g, unsigned workers);

extern const struct metric_family quic_responses_total;

#endif
