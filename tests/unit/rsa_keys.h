/* Keys made for tests: they guard nothing. */
#ifndef ISTHMUS_TEST_KEYS_H
#define ISTHMUS_TEST_KEYS_H

/* One key of 1,024 bits, as PKCS #8 and as PKCS #1. */
static const char key_pkcs8[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPdMFrhyqB54XMOc\n"
	"NkWozBA/bJ2s4pMRlYCxRl5sqN82sdFVch2XrHBe2OP7RzP+ZLrpPngZLREN6q5j\n"
	"T8p+K6uLHUZfC1MFDxLJStYJJrixBvZ22HMNwrRQo8nCGST2I+amfiFAQemWO27X\n"
	"IPddSBOfP+o4BZ8SCIirxdSvgEldAgMBAAECgYBiNsnfP0odr9fHqEa1q7A/07Cj\n"
	"foINvrINhlpYLfdzjxlX9gN4VUCa8FBbWvSQZbxDr1asA/OuDkTiNXb/CNT2aEv1\n"
	"IX05Mr0Tj12TAI28MxBI2tBbsHq129C3MoO3biFl8/9bx6T0TJEage7pJ0e8UIVT\n"
	"IU5wSgst215FivJhgQJBAP+JT7IRUKdjS5GgHoKBAM3hDWoOvKwIq68lBNOThNQ0\n"
	"wwKEetvdx60UuTnw6xcQylYXbW3FaEXJGbhzUaKytqkCQQD3vvNbUXrfH7yNJXsT\n"
	"SeLXVzT9RnErpZeTYqY2h2qHvmSy6Y+pghyfuYs2aWr9Jg7wTqciwWX25mciunwI\n"
	"/NGVAkA5sPp5LUeUQuqwugGpXQ6dbI3mv+UAwgRgym7Ihambbz4Ht3k1YmDORrt6\n"
	"xVWOI5BK14cxHTxpZPmVlxN7M/XhAkEAnyEgkOQ6JvzskECl2BLaSHT0TUakxGM9\n"
	"g+aWWmoKjBxH8/8/TqKLHjEAcTevB+EdMU9j3VgZ1UfSsSTVLLSvLQJBAKVGOF6v\n"
	"+N8yjfUBD4Sq3bQisxk+dMj9NUqxZLyeK1rlt+Po02zm9W/bjG8WTjwHsLQIE9hQ\n"
	"nMNtEI1Op8FiJo4=\n"
	"-----END PRIVATE KEY-----\n";

static const char key_pkcs1[] =
	"-----BEGIN RSA PRIVATE KEY-----\n"
	"MIICXQIBAAKBgQD3TBa4cqgeeFzDnDZFqMwQP2ydrOKTEZWAsUZebKjfNrHRVXId\n"
	"l6xwXtjj+0cz/mS66T54GS0RDequY0/Kfiurix1GXwtTBQ8SyUrWCSa4sQb2dthz\n"
	"DcK0UKPJwhkk9iPmpn4hQEHpljtu1yD3XUgTnz/qOAWfEgiIq8XUr4BJXQIDAQAB\n"
	"AoGAYjbJ3z9KHa/Xx6hGtauwP9Owo36CDb6yDYZaWC33c48ZV/YDeFVAmvBQW1r0\n"
	"kGW8Q69WrAPzrg5E4jV2/wjU9mhL9SF9OTK9E49dkwCNvDMQSNrQW7B6tdvQtzKD\n"
	"t24hZfP/W8ek9EyRGoHu6SdHvFCFUyFOcEoLLdteRYryYYECQQD/iU+yEVCnY0uR\n"
	"oB6CgQDN4Q1qDrysCKuvJQTTk4TUNMMChHrb3cetFLk58OsXEMpWF21txWhFyRm4\n"
	"c1GisrapAkEA977zW1F63x+8jSV7E0ni11c0/UZxK6WXk2KmNodqh75ksumPqYIc\n"
	"n7mLNmlq/SYO8E6nIsFl9uZnIrp8CPzRlQJAObD6eS1HlELqsLoBqV0OnWyN5r/l\n"
	"AMIEYMpuyIWpm28+B7d5NWJgzka7esVVjiOQSteHMR08aWT5lZcTezP14QJBAJ8h\n"
	"IJDkOib87JBApdgS2kh09E1GpMRjPYPmllpqCowcR/P/P06iix4xAHE3rwfhHTFP\n"
	"Y91YGdVH0rEk1Sy0ry0CQQClRjher/jfMo31AQ+Eqt20IrMZPnTI/TVKsWS8nita\n"
	"5bfj6NNs5vVv24xvFk48B7C0CBPYUJzDbRCNTqfBYiaO\n"
	"-----END RSA PRIVATE KEY-----\n";

/* The same, for who knows a password. */
static const char key_encrypted[] =
	"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	"MIIC3TBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIxSUSIWZsn6wCAggA\n"
	"MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBDPLYgOvZVQSEJhpEYiLXS2BIIC\n"
	"gI4Rfs4gKIdVxvHsGWfVv2PUyhfhddzutfFdgMqjUW4MWVCvq5Pie5gk4KQpYns7\n"
	"AQLcowWUL/fBqCw3WfNsmTKUMYmkjLGeUUSU76FGqQShb4mn8cpzRhgWMC+YHRDJ\n"
	"StBpXW//dGzk/FY6ospewjxweMmQPlijz+saUfFThB623DD0hpPSTKtRuS7aVtdl\n"
	"Jg/qxqZAS+PoDtfaW8AHR37AQLFlcQ3wOPyCVbo7sW0OIfsxM1bLg0/zZ9o+LehG\n"
	"3pbxNpVv0qpuEM214ymDGQ8cWmOOwydNfop6ROsarnV2W0empcCiezNgVF2yZCNn\n"
	"OKySi485ZAuLztavGqFhDBPm+LPo+J7NxUrWyorM/SmkUI9PLumO7IEDD8Iqwx4q\n"
	"X1l9a+huEymxZUCA2Z2j8DI+Z0r+u0RBZaLkL2dM9L5bsOTcltgpcbSORH//P3ga\n"
	"VhFwCIheKURu9zBu35O6TSKWgsDP5SNZOcMhuvRFxnk8SMDyY9GiF+hHzmtj+WTn\n"
	"3wMXfgNdztyOlpaBoQD2kcdfywlvRX/T24xI7/o7ani9ViXuzcFoHxu1UZJODrZx\n"
	"A3huUIdo4ts0dasM0Zjoi6dX5/KRMrC4oiY5GMzA9CfcrGCq85oCM40AQ72L7tVO\n"
	"WAixIVRtqjbKKa6b9ohfraekXCVOmocCQv0w/nyLdbQo53mx0Nbk9ydf931YJiOE\n"
	"Utw/IZmFhM5gIF3KfHNpUKWfLBdXeY1yfZCLobhoqs2fXXOA/tc7qoL2pxrBtAdb\n"
	"Ml0mrCpyFaCTJXC4WgefeXbaaiLcV7oPrqOo6C3Wg4fYWwzmf71/ZqnLDdIRWmU8\n"
	"nizShp7ZT3sTHPmkS6DT9Y4=\n"
	"-----END ENCRYPTED PRIVATE KEY-----\n";

/* A key of another kind. */
static const char key_p256[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcxLXudgzNh++0gt3\n"
	"ZLsy70YFdq6HtpEcv8reteOqPFGhRANCAARQHTgp0c/aw6dYG6fG/4BsKLidhZiK\n"
	"ois8f/cR3aMq5LBJfLAv3HCzpFncXupnB3fqk6Xlr3SUWHEenLwxvBx5\n"
	"-----END PRIVATE KEY-----\n";

#endif
