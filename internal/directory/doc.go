// Package directory knows the people for whom calls are made: who they are, which phone
// rings for them, on whose account they call, and by which secrets they prove who they
// are. The doors of Vodia and Switchvox, the signed links and the console ask it.
//
// A User has a Name, "123@tenant.com", or without a tenant, "123". There are two sources:
// the configuration ([users], [tenants]) and the store, which `dialwright user` and
// /v1/users write. For one name the configuration wins, whole.
//
// Every user has up to three secrets, none of which is ever shown:
//
//	web password   hash (argon2id)    forms, HTTP Basic, links with credentials
//	digest         HA1 for one realm  HTTP Digest of old clients; made with the password, if wanted
//	link secret    sealed, readable   signatures of links (spec: vodia 2.5)
//
// The package holds no sockets and no sessions.
package directory
