//! What is between a key and its value: signs, decoration, encodings.

use super::check;

#[test]
fn colours_between_key_and_value_are_kept() {
    check(&[
        ("around both", "\x1b[32mpassword\x1b[0m=\x1b[33m«hunter2x9»\x1b[0m"),
        ("after the key", "\x1b[1mpassword\x1b[0m=«hunter2x9»"),
        ("around the sign", "\x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0m\"«hunter2x9»\" x"),
        ("around the sign, bare", "\x1b[3mapi_key\x1b[0m\x1b[2m=\x1b[0m«Hx92kd81LmN4» x"),
        ("colon", "\x1b[36mpassword\x1b[0m: «hunter2x9»"),
        ("quoted value", "password=\x1b[33m\"«hunter2x9»\"\x1b[0m n=1"),
        ("many parameters", "\x1b[38;5;208mpassword\x1b[0m=\x1b[48;2;1;2;3m«hunter2x9»\x1b[m"),
        ("quoted key", "\"\x1b[34mpassword\x1b[39m\": \x1b[32m\"«hunter2x9»\"\x1b[39m"),
        ("key of javascript", "\x1b[32m'password'\x1b[39m: \x1b[32m'«hunter2x9»'\x1b[39m"),
        ("prose", "with password \x1b[1m«hunter2x9»\x1b[0m"),
        ("written out", r"\u001b[32mpassword\u001b[0m=\u001b[33m«hunter2x9»\u001b[0m"),
        ("written in octal", r"\033[1mpassword\033[0m=«hunter2x9»\033[0m"),
        ("option", "password: \x1b[33m«Some(\"hunter2x\")»\x1b[0m"),
        ("compound key", "\x1b[2mdb_password\x1b[0m=\x1b[1m«hunter2x9»\x1b[0m"),
    ]);
}

#[test]
fn unusual_signs_connect_keys_and_values() {
    check(&[
        ("full-width equals", "password＝«hunter2x9»"),
        ("full-width colon", "password：«hunter2x9»"),
        ("full-width colon, Chinese", "登录失败，密码：«Xk92!qLm»，用户：li"),
        ("full-width equals, Chinese", "用户＝li，密码＝«Qz81mXk2»；次数：3"),
        ("full-width colon, Japanese", "パスワード：«s4kur4Tree»。"),
        ("full-width colon, Korean", "비밀번호：«h4nRiver9» 로그인"),
        ("colon, Chinese comma", "密码: «Xk92!qLm»，用户：li"),
        ("changed, arrow", "~ master_password = \"«0ldM4ster»\" -> \"«N3wM4ster»\""),
        ("changed, fat arrow", "secret: '«old-secret-9»' => '«new-secret-9»' ok"),
        ("dump of php over lines", "[\"password\"]=>\n  string(9) \"«P3lican#1»\""),
        ("powershell", "$cred = ConvertTo-SecureString \"«Plov3r#99»\" -AsPlainText -Force"),
        (
            "powershell, options first",
            "$pwd = ConvertTo-SecureString -AsPlainText -Force -String '«Plov3r#99»'",
        ),
        ("short secret, tripled", "secret = \"\"\"«Hauch!9»\"\"\""),
        ("short secret", "A { id: 1, api_secret: \"«as_11Qm»\" }"),
        ("command of SMTP", "AUTH PLAIN «AHVzZXIAcGFzczEyMzQ=»"),
        ("weak", "password=«000000» pwd=«aaaaaa»"),
        ("aligned colon", "Password        : «Secret123!x»"),
        ("aligned equals", "api_key        = «x9Kq2LmN5vX7yZ0kAb»"),
        ("aligned arrow", "  :password       => '«thisismypassword»',"),
        ("arrow", "password -> «hunter2x9»"),
        ("arrow without spaces", "password->«hunter2x9»"),
        ("walrus", "password := \"«hunter2x9»\""),
        ("go", "map[password:«hunter2» user:bob]"),
        ("go struct", "&{Password:«hunter2» User:bob}"),
        ("ruby", "{:password=>\"«hunter2»\", :user=>\"bob\"}"),
        ("ruby, string", "{\"password\" => \"«x»\"}"),
        ("php", "[password] => «hunter2x»"),
        ("java", "User(password=«x», n=1)"),
        ("dump of php", "[\"password\"]=> string(12) \"«Wq7xK2mZ9pLt»\" [\"n\"]=> int(1)"),
        ("java map", "{password=«x9», user=bob}"),
        ("concatenation", "$apiToken .= \"«k9QzL2mXw8k9QzL2mXw8»\""),
        ("comparison", "if password == \"«team10x9»\": ok"),
        ("strict comparison", "if (password === '«team10x9»') {"),
        ("difference", "if password != \"«team10x9»\":"),
        ("method", "if (password.equals(\"«team10x9»\")) {"),
        ("typed", "password: str = '«hunter2»'"),
        ("typed option", "let token: Option<&str> = \"«k9QzL2mXq8Zr»\";"),
        ("index", "os.environ[\"X_API_KEY\"] = '«1bb7dde73fe449de229361ea03bab234»'"),
        ("index of a variable", "$_POST['password'] = '«hunter2»';"),
        ("symbol as an index", "config[:password] = '«hunter2»'"),
        ("table", "| password | «Secret123!x» |"),
        ("table of lines", "│ password │ «Secret123!x» │"),
        ("table, aligned", "| db_password   | «hunter2x9»      | 3 |"),
        ("is and a colon", "password is: «Secret123»"),
        ("no-break space", "password:\u{a0}«hunter2x9»"),
        ("no-break space before", "password\u{a0}= «hunter2x9»"),
        ("tabs", "password\t=\t«hunter2x9»"),
        ("nullish assignment", "password ||= '«hunter2x9»'"),
        ("default assignment", "PASSWORD ?= «hunter2x9»"),
        ("tilde arrow", "password ~> \"«hunter2x9»\""),
    ]);
}

#[test]
fn zero_width_characters_are_no_part_of_keys() {
    check(&[
        ("space", "pass\u{200b}word=«hunter2x9»"),
        ("joiner", "pass\u{200d}word: \"«hunter2x9»\""),
        ("word joiner", "password\u{2060}=«hunter2x9»"),
        ("byte order mark", "\u{feff}password=«hunter2x9»"),
        ("soft hyphen", "pass\u{ad}word=«hunter2x9»"),
        ("before the value", "password=\u{200b}«hunter2x9»"),
        ("in a token's key", "api\u{200b}_key=«x9Kq2LmN5vX7yZ0kAb»"),
    ]);
}

#[test]
fn encoded_signs_connect_keys_and_values() {
    check(&[
        ("percent", "next=/login%3Fpassword%3D«hunter2»%26x%3D1"),
        ("percent twice", "next=%252Flogin%253Fpassword%253D«hunter2»%2526x%253D1"),
        ("percent and brackets", "user%5Bpassword%5D=«hunter2»&x=1"),
        ("percent colon", "q=password%3A«hunter2x9»"),
        ("percent and quotes", "q=%7B%22password%22%3A%22«hunter2»%22%7D"),
        ("url in a url", "https://h/r?to=https%3A%2F%2Fg%2Fl%3Fapi_key%3D«k9QzL2mXq8Zr»%26n%3D1"),
        ("percent in lower case", "u=%3ftoken%3d«k9QzL2mXq8Zr»%26n"),
        ("entity", "password=&quot;«hunter2»&quot; x"),
        ("entity as a sign", "password&#61;«hunter2x9» x"),
        ("ampersand", "/l?a=1&amp;password=«hunter2»&amp;b=2"),
        ("apostrophe", "password: &#39;«hunter2»&#39;"),
        ("escaped once", r#"{\"password\":\"«x»\"}"#),
        ("escaped twice", r#"{\\\"password\\\":\\\"«x»\\\"}"#),
        ("escaped three times", r#"{\\\\\\\"password\\\\\\\": \\\\\\\"«hunter2»\\\\\\\", x"#),
        ("unicode escapes", r"{\u0022password\u0022:\u0022«hunter2»\u0022}"),
        ("unicode equals", r"password\u003d«hunter2x9»\u0026x\u003d1"),
        ("hexadecimal escapes", r"{\x22password\x22:\x22«hunter2»\x22}"),
    ]);
}

#[test]
fn prefixed_keys_and_values_are_connected() {
    check(&[
        ("raw", "r'password': r'«hunter2»'"),
        ("bytes", "{b'password': b'«hunter2»', b'n': 1}, x"),
        ("triple quotes", "password = \"\"\"«hunter2»\"\"\""),
        ("triple single quotes", "password = '''«hun'ter2»'''"),
        ("backticks", "password: `«hunter2»`"),
        ("backticks around the key", "`password`: `«hunter2x9»`"),
        ("json map of rust", r#"Object {"password": «String("x9")»}"#),
        ("template of go", "password = `«hunter2»` // x"),
    ]);
}

#[test]
fn signs_without_values_stay() {
    check(&[
        ("tag of YAML", "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256"),
        ("tag of CloudFormation", "MasterUserPassword: !Ref Password"),
        ("column's type", "| password | varchar(255) | NO   |     | NULL    |       |"),
        ("template", "password: {{ .Values.db.password | b64enc | quote }}"),
        ("pipeline", "cat db.password | base64url -d | tee x"),
        ("label, Chinese", "密码长度：12 密码错误，提示：abcdefgh123"),
        ("prompt, Chinese", "密码：请输入"),
        ("mask, Chinese", "密码：******，用户：li"),
        ("draft", "password=xxxxxxxx pwd=........"),
        ("conversion of a variable", "$cred = ConvertTo-SecureString $plain -AsPlainText"),
        ("table of names", "| user | password | email |"),
        ("table without value", "| password |          | x1 |"),
        ("rule of a table", "| password | -------- |"),
        ("arrow to a type", "fn password() -> String"),
        ("comparison of variables", "if password == confirmation {"),
        ("comparison with nothing", "if password != \"\" {"),
        ("lexer", "if token == \"identifier\" {"),
        ("percent without a key", "next=%2Fhome%3Fpage%3Dhunter2x9"),
        ("colour without a value", "\x1b[1mpassword\x1b[0m="),
        ("colour of a mask", "password=\x1b[31m****\x1b[0m"),
        ("plain key in colours", "\x1b[3mmonkey\x1b[0m\x1b[2m=\x1b[0mhunter2x9"),
        ("entity of a plain key", "monkey=&quot;hunter2x9&quot;"),
    ]);
}
