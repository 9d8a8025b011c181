//! Passwords after options of command lines.

use super::check;

#[test]
fn values_of_telling_options_are_masked() {
    check(&[
        ("space", "mysqldump --user root --password «hunter2x» app"),
        ("equals", "mysqldump --password=«hunter2x» app"),
        ("one dash", "java -jar a.jar -password «hunter2» -v"),
        ("slash", "setup.exe /user:bob /password:«hunter2x» /quiet"),
        ("passphrase of words", "gpg --batch --passphrase '«correct horse»' -d f.gpg"),
        ("double quotes", r#"tool --db-password "«hun ter2»" --verbose"#),
        ("plain word", "tool --password «hunter» --verbose"),
        ("last", "tool -v --password «hunter2»"),
        ("token", "tool --token «k9QzL2mXq8Zr4TwY12» run"),
        ("api key", "tool --api-key «k9QzL2mXq8Zr4TwY12» run"),
        ("client secret", "az ad sp --client-secret «k9QzL2mXq8Zr4TwY12»"),
        ("key store", "keytool -list -keystore a.jks -storepass «changeit99» -keypass «change2»"),
        ("variable before a command", "PGPASSWORD=«x9y» psql -h db1"),
        ("variable with a prefix", "MYSQL_PWD=«swordfish» SSHPASS='«hun ter2»' mysql -u root"),
        ("underscore", "run --db_password «hunter2x»"),
        ("http password", "wget --http-password «hunter2x» --http-user bob https://h/x"),
        ("new password", "passwd-tool --new-password «hunter2x» --old-password «hunter1x»"),
        ("property of java", "java -Dpassword=«hunter2» -jar x.jar"),
        ("after the same letter", "influx -username bob -password «hunter2»"),
        ("wireless", "nmcli dev wifi connect home password «hunter2x9»"),
        ("in a sentence", "running 'backup --password «hunter2x» /data' as root"),
    ]);
}

#[test]
fn options_of_known_programs_are_masked() {
    check(&[
        ("mysql", "mysql -u root -p«S3cr3tPa55» -h db1"),
        ("mysql, no number", "mysql -uroot -p«hunter» app"),
        ("mysqldump", "/usr/bin/mysqldump -u root -p«hunter2» --all-databases"),
        ("mysqladmin", "mysqladmin -u root -p'«hun ter2»' ping"),
        ("redis", "redis-cli -h r1 -a «S3cr3tPa55» ping"),
        ("sshpass", "sshpass -p «hunter2» ssh bob@host uptime"),
        ("sshpass, joined", "sshpass -p'«hunter2»' scp a b"),
        ("curl", "curl -u bob:«hunter2» https://h/x"),
        ("curl, quoted", r#"curl -s -u "bob:«hunter2»" https://h/x"#),
        ("curl, long", "curl --user bob:«hunter2» https://h/x"),
        ("curl, equals", "curl --user=bob:«hunter2» https://h/x"),
        ("curl, proxy", "curl --proxy-user bob:«hunter2» -x p https://h/x"),
        ("curl, joined", "curl -ubob:«hunter2» https://h/x"),
        ("azure", "az login --service-principal -u 1f -p «S3cr3tPa55» --tenant t"),
        ("psexec", r"psexec \\10.0.0.1 -u Administrator -p «S3cr3tPa55» cmd"),
        ("net user", "net user bob «S3cr3tPa55» /add"),
        ("net use", r"net use Z: \\h\share «S3cr3tPa55» /user:bob"),
        ("net user, reversed", "net user /add bob «S3cr3tPa55»"),
        ("net use, reversed", r"net use \\h\s /user:bob «S3cr3tPa55»"),
        ("remote desktop", "xfreerdp /u:bob /p:«hunter2» /v:h"),
        ("sqlplus", "sqlplus scott/«tiger»@orcl"),
        ("sqlplus, silent", "sqlplus -s scott/«tiger»@//h:1521/x @script.sql"),
        ("openssl", "openssl rsa -in k.pem -passin pass:«hunter2» -out o.pem"),
        ("openssl, key", "openssl enc -aes-256-cbc -k «hunter2» -in a"),
        ("ldapsearch", "ldapsearch -x -D cn=admin -w «hunter2» -b dc=x"),
        ("docker", "docker login -u bob -p «hunter2x» registry.example.com"),
        ("htpasswd", "htpasswd -b /etc/f bob «hunter2»"),
        ("smbclient", r"smbclient //h/share -U bob%«hunter2»"),
        ("mongo", "mongosh -u root -p «hunter2x» --authenticationDatabase admin"),
        ("sqlcmd", "sqlcmd -S h -U sa -P «hunter2x» -Q 'select 1'"),
        ("in a path", "/opt/bin/redis-cli -a «hunter2x» ping"),
        ("plink", "plink -ssh bob@h -pw «hunter2x» ls"),
        ("zip", "zip -P «hunter2x» a.zip a"),
    ]);
}

#[test]
fn other_options_stay() {
    check(&[
        ("port", "app -p 8080"),
        ("ssh port", "ssh -p 22 bob@host"),
        ("mkdir", "mkdir -p /var/lib/mysql"),
        ("docker ports", "docker run -p 80:80 nginx"),
        ("all", "ls -a /home"),
        ("curl with variables", r#"curl -u "$U:$P" https://h/x"#),
        ("curl with a user", "curl -u bob https://h/x"),
        ("mysql asks", "mysql -u root -p -h db1"),
        ("mysql port", "mysql -P 3306 -u root"),
        ("password from a file", "tool --password-file /run/secrets/pw"),
        ("password from input", "docker login -u bob --password-stdin"),
        ("passphrase from a descriptor", "gpg --passphrase-fd 0 --passphrase-file /x1"),
        ("placeholder", "tool --password <password> --user <user>"),
        ("variable", "tool --password $DB_PASSWORD --token ${TOKEN}"),
        ("usage", "  --password string   password of the user"),
        ("next option", "tool --password --verbose"),
        ("prose", "the option --password is not allowed here"),
        ("either", "use --password or --token"),
        ("plain name", "the mysql server -p option"),
        ("redis without options", "redis-cli ping"),
        ("curl data", "curl -d a=1 -H 'Accept: x/y' https://h/x"),
        ("net", "net user bob /delete"),
        ("docker path", "docker cp -a /x y:/z"),
        ("token count", "llm --max-tokens 4096 --temperature 0.2"),
        ("masked", "mysql -u root -p**** -h db1"),
        ("user and host", "connect to user/host@x failed"),
        ("action", "uses: actions/checkout@v3"),
        ("asked", "net user bob * /add"),
    ]);
}
