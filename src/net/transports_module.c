/* What the module of transports offers. */
#include "net/quic/connection.h"
#include "net/tls_gnutls.h"

__attribute__((visibility("default"))) const struct transports isthmus_transports = {
	.credentials = &tls_credentials_functions,
	.session = &tls_session_functions,
	.quic = &quic_functions,
};
