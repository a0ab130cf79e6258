// Package console is the door of the web console: it serves its files, and it knows who has
// logged in with a browser.
//
//	/                     → /console/
//	/favicon.ico          the icon, for pages that name none
//	/console/             the console's page, the same for everybody; it asks the REST API for data
//	/console/assets/…     its scripts and styles, which browsers may keep for ever
//	/console/login        a form, for browsers without script too
//	/console/once/TOKEN   logs in once, without a password
//	/console/logout       takes a form that logs out
//
// A session is a cookie that scripts cannot read and that pages of other sites cannot send
// (SameSite=Strict). The REST API takes it where it finds no key, so nothing here serves data;
// Door is its rest.Sessions. A session means a user of the directory, or an administrator
// without a name: who may use the control socket, or has an administrator's key, gets an
// address by which a browser is one (Invite). What the one may do is looked up at each use.
// The session is over when the user is disabled, has another password, role or account; when
// it has rested or lasted too long; when somebody logs out; when the server stops. Who was
// vouched for by an administrator loses it when that one is none any more.
//
// Passwords and sessions count over HTTPS and on this machine only, unless the operator
// allows plain HTTP. Wrong passwords lock the address and the name for a while, and go into
// the audit trail, as logins do.
package console
