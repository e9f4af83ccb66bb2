/* Certificates for tests, made with GnuTLS: an authority, one below it, and those that they issue, as PEM files in a folder. */
#ifndef ISTHMUS_TEST_CERTIFICATES_H
#define ISTHMUS_TEST_CERTIFICATES_H

#include "test.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An authority or whoever else has a key. */
struct issuer {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
};

/* What a certificate says. Zero times: from an hour ago, for a day. */
struct wanted {
	const char *name; /* a DNS name, or the name of an authority */
	const uint8_t *address; /* 4 octets, or NULL */
	bool is_authority, for_clients;
	time_t from, until;
};

static inline struct issuer certificate_new(const struct wanted *w, const struct issuer *by)
{
	static unsigned char serial;
	struct issuer i;
	time_t now = time(NULL);
	assert_int_equal(gnutls_x509_privkey_init(&i.key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(i.key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	gnutls_x509_crt_init(&i.certificate);
	gnutls_x509_crt_set_version(i.certificate, 3);
	gnutls_x509_crt_set_serial(i.certificate, (unsigned char[]){ ++serial }, 1);
	gnutls_x509_crt_set_activation_time(i.certificate, w->from ? w->from : now - 3600);
	gnutls_x509_crt_set_expiration_time(i.certificate, w->until ? w->until : now + 86400);
	gnutls_x509_crt_set_dn_by_oid(i.certificate, GNUTLS_OID_X520_COMMON_NAME, 0, w->name,
		(unsigned)strlen(w->name));
	gnutls_x509_crt_set_key(i.certificate, i.key);
	gnutls_x509_crt_set_basic_constraints(i.certificate, w->is_authority, -1);
	if (w->is_authority) {
		gnutls_x509_crt_set_key_usage(i.certificate, GNUTLS_KEY_KEY_CERT_SIGN);
	} else {
		gnutls_x509_crt_set_subject_alt_name(i.certificate, GNUTLS_SAN_DNSNAME, w->name,
			(unsigned)strlen(w->name), GNUTLS_FSAN_SET);
		if (w->address)
			gnutls_x509_crt_set_subject_alt_name(i.certificate, GNUTLS_SAN_IPADDRESS,
				w->address, 4, GNUTLS_FSAN_APPEND);
		gnutls_x509_crt_set_key_purpose_oid(i.certificate,
			w->for_clients ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER, 0);
	}
	assert_int_equal(gnutls_x509_crt_sign2(i.certificate, by ? by->certificate : i.certificate,
				 by ? by->key : i.key, GNUTLS_DIG_SHA256, 0), 0);
	return i;
}

static inline void issuer_free(struct issuer *i)
{
	gnutls_x509_crt_deinit(i->certificate);
	gnutls_x509_privkey_deinit(i->key);
}

static inline void pem_write(const char *path, const gnutls_datum_t *pem, const char *mode)
{
	FILE *f = fopen(path, mode);
	assert_non_null(f);
	fwrite(pem->data, 1, pem->size, f);
	fclose(f);
	gnutls_free(pem->data);
}

static inline void certificate_write(const char *path, const struct issuer *i, const char *mode)
{
	gnutls_datum_t pem;
	assert_int_equal(gnutls_x509_crt_export2(i->certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
	pem_write(path, &pem, mode);
}

static inline void key_write(const char *path, const struct issuer *i)
{
	gnutls_datum_t pem;
	assert_int_equal(gnutls_x509_privkey_export2(i->key, GNUTLS_X509_FMT_PEM, &pem), 0);
	pem_write(path, &pem, "w");
}

#endif
