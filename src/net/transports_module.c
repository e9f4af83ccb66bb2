/* What the module of transports offers. */
#include "net/http2.h"
#include "net/http2_client.h"
#include "net/quic/client.h"
#include "net/quic/connection.h"
#include "net/tls_gnutls.h"

__attribute__((visibility("default"))) const struct transports isthmus_transports = {
	.credentials = &tls_credentials_functions,
	.session = &tls_session_functions,
	.quic = &quic_functions,
	.quic_client = &quic_client_functions,
	.http2 = &http2_functions,
	.http2_client = &http2_client_functions,
};
