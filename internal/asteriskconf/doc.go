// Package asteriskconf reads the configuration directory of an Asterisk (usually
// /etc/asterisk) into our own configuration, so that its phones and trunks work
// here without being written again:
//
//	asterisk.conf   directories, system name
//	pjsip.conf      transports, and endpoints with their aor, auth, identify and registration
//	sip.conf        peers and register lines of chan_sip
//	users.conf      users with hassip
//	http.conf       listener and prefix of ARI
//	ari.conf        ARI's users and outbound WebSockets, with those of acl.conf and websocket_client.conf
//	manager.conf    AMI's listeners and users, with the networks of acl.conf
//	cdr_manager.conf  whether AMI tells call detail records
//	rc.conf, rc.conf.d/*.conf, user.conf  AstLinux's dialling prefixes for dialproxy.php
//
// A device that registers becomes a config.Phone under the name with which it
// registers; one with a fixed address becomes a config.Trunk under the name of
// its endpoint. What our configuration has no place for is a Problem with file
// and line. Some options are passed over in silence: those that change nothing
// that anybody could see or hear here (each in a list named quiet…).
//
// AstDB itself (astdb.sqlite3, where asterisk.conf says) is only named here: the server
// reads it when it starts.
//
// Nothing is written and nothing is run. The dialplan itself is read by package
// dialplan, the other files (musiconhold.conf …) by the applications that use them.
package asteriskconf
