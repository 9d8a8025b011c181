//! Passwords in SQL statements.

use super::check;

#[test]
fn passwords_of_users_and_roles_are_masked() {
    check(&[
        ("identified by", "CREATE USER 'bob'@'%' IDENTIFIED BY '«hunter2secret»'"),
        ("identified by, double quotes", r#"ALTER USER bob IDENTIFIED BY "«hunter2»";"#),
        ("identified by, bare", "alter user scott identified by «tiger9» account unlock"),
        ("plugin", "CREATE USER 'bob'@'%' IDENTIFIED WITH mysql_native_password BY '«hunter2»'"),
        (
            "plugin in quotes",
            "ALTER USER u IDENTIFIED WITH 'caching_sha2_password' BY '«hunter2»' REQUIRE SSL",
        ),
        ("replace", "ALTER USER u IDENTIFIED BY '«new2pw»' REPLACE '«old1pw»'"),
        ("granted", "GRANT ALL ON *.* TO 'u'@'%' IDENTIFIED BY '«pa55»' WITH GRANT OPTION"),
        ("hash", "IDENTIFIED BY PASSWORD '«*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19»'"),
        (
            "hash of a plugin",
            "IDENTIFIED WITH mysql_native_password AS '«*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19»'",
        ),
        (
            "with password",
            "ALTER USER bob WITH PASSWORD '«hunter2secret»' VALID UNTIL '2026-01-01'",
        ),
        ("encrypted password", "CREATE ROLE bob LOGIN ENCRYPTED PASSWORD '«hunter2secret»'"),
        ("lower case", "alter role ann with login encrypted password '«hunter2»';"),
        ("doubled quote", "ALTER ROLE ann PASSWORD '«it''s me»' LOGIN"),
        ("options", "OPTIONS (user 'ann', password '«hunter2»')"),
        ("with an equals sign", "CREATE LOGIN sa WITH PASSWORD = N'«hunter2»', CHECK_POLICY = OFF"),
        ("old password", "ALTER LOGIN sa WITH PASSWORD='«new2»' OLD_PASSWORD='«old1»'"),
        ("set password", "SET PASSWORD FOR 'bob'@'%' = '«hunter2»'"),
        ("set password with a function", "SET PASSWORD FOR bob = PASSWORD('«hunter2»')"),
        ("set own password", "SET PASSWORD = '«hunter2»'"),
        (
            "function",
            "UPDATE mysql.user SET authentication_string=PASSWORD('«hunter2»') WHERE User='root'",
        ),
        ("double-quoted", r#"PASSWORD "«hunter2»" "#),
    ]);
}

#[test]
fn inserted_and_updated_values_are_masked() {
    check(&[
        (
            "columns",
            "INSERT INTO users (email, password) VALUES ('«a@b.co¦<email>»', '«hunter2secret»')",
        ),
        ("first column", "INSERT INTO users (password, n) VALUES ('«hunter2secret»', 3)"),
        ("rows", "INSERT INTO u (id, password, n) VALUES (1, '«hunter2»', 3), (2, '«hunter3»', 4)"),
        ("quoted columns", r#"INSERT INTO "users" ("id", "api_key") VALUES (7, '«k9QzL2mXq8Zr»')"#),
        ("backticks", "INSERT INTO `users` (`id`, `password`) VALUES (7, '«hunter2»')"),
        ("brackets", "INSERT INTO [users] ([id], [Password]) VALUES (7, N'«hunter2»')"),
        ("lower case", "insert into users (name, password_hash) values ('bob', '«k9QzL2mXq8Zr»')"),
        ("commas in values", "INSERT INTO u (a, password) VALUES ('x, (y', '«hun,ter2»')"),
        ("function", "INSERT INTO u (a, password) VALUES (now(), '«hunter2»')"),
        (
            "several columns",
            "INSERT INTO u (password, b, token) VALUES ('«hunter2»', 2, '«k9QzL2mXq8Zr»')",
        ),
        (
            "lines",
            "INSERT INTO u (id,\n  password)\nVALUES\n  (1, '«hunter2»'),\n  (2, '«hunter3»');",
        ),
        ("replace", "REPLACE INTO u (password) VALUES ('«hunter2»')"),
        ("update", "UPDATE users SET password = '«hunter2»', n = 1 WHERE id = 1"),
        ("where", "SELECT * FROM users WHERE email='«a@b.co¦<email>»' AND password='«hunter2»'"),
        ("empty and set", "INSERT INTO u (password, a) VALUES ('', 'x'), ('«hunter2»', 'y')"),
    ]);
}

#[test]
fn statements_without_secrets_stay() {
    check(&[
        ("bound values", "INSERT INTO users (email, password) VALUES ($1, $2)"),
        ("question marks", "INSERT INTO users (email, password) VALUES (?, ?)"),
        ("named values", "INSERT INTO users (email, password) VALUES (:email, :password)"),
        ("columns", "SELECT id, password, email FROM users"),
        ("definition", "CREATE TABLE users (id INT, password VARCHAR(64), token TEXT)"),
        ("definition in quotes", r#"CREATE TABLE "users" ("password" varchar NOT NULL, "n" int)"#),
        ("bound comparison", "WHERE password = $1 AND token = ?"),
        ("null", "UPDATE users SET password = NULL WHERE id = 1"),
        ("null role", "ALTER ROLE bob WITH PASSWORD NULL"),
        ("harmless column", "INSERT INTO u (password_changed, n) VALUES ('2024-01-01', 3)"),
        ("plain column", "INSERT INTO u (monkey, n) VALUES ('hunter2x9', 3)"),
        ("select", "INSERT INTO users (email, password) SELECT email, password FROM old"),
        ("masked", "INSERT INTO users (email, password) VALUES ('[FILTERED]', '[FILTERED]')"),
        ("prose", "users are identified by 'name' and by e-mail"),
        ("identified by a column", "rows identified by primary key"),
        ("algorithm", "SET password_encryption = 'scram-sha-256'"),
        ("bound user", "CREATE USER bob IDENTIFIED BY $1"),
    ]);
}
