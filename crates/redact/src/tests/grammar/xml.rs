//! Values of XML elements and attributes.

use super::check;

#[test]
fn elements_under_telling_names_are_masked() {
    check(&[
        ("element", "<login><user>bob</user><password>«hunter2»</password></login>"),
        ("prefix", "<wsse:Password>«hunter2»</wsse:Password>"),
        (
            "prefix and attribute",
            "<wsse:UsernameToken><wsse:Username>bob</wsse:Username><wsse:Password Type=\"http://docs.oasis-open.org/wss#PasswordText\">«hunter2»</wsse:Password></wsse:UsernameToken>",
        ),
        ("camel case", "<cfg><apiKey>«9f8e7d6c5b4a39281706f5e4d3c2b1a0»</apiKey></cfg>"),
        ("compound", "<db-password>«hunter2»</db-password>"),
        ("compound with a dot", "<proxy.password>«hunter2»</proxy.password>"),
        ("number of a person", "<ssn>«078051123¦<ssn>»</ssn>"),
        ("e-mail", "<email>«ann@example.com¦<email>»</email>"),
        ("words", "<passphrase>«correct horse battery»</passphrase>"),
        ("white space", "<password>\n  «hunter2»\n</password>"),
        ("character data", "<password><![CDATA[«hunt<er2»]]></password>"),
        ("entity", "<password>«hun&lt;ter2»</password>"),
        ("child", "<apiKey><value>«k9QzL2mXq8»</value></apiKey>"),
        ("children", "<credentials><user>bob</user><value>«hunter2»</value></credentials>"),
        ("capitals", "<PASSWORD>«hunter2»</PASSWORD>"),
        (
            "maven",
            "<server><id>r</id><username>u</username><password>«{COQLCE6DU6GtcS5P=}»</password></server>",
        ),
        ("token", "<Token>«k9QzL2mXq8Zr4TwY12»</Token>"),
        ("escaped", "&lt;password&gt;«hunter2»&lt;/password&gt;"),
        ("escaped in JSON", r"\u003cpassword\u003e«hunter2»\u003c/password\u003e"),
        ("secret", "<client_secret>«k9QzL2mXq8Zr4TwY12»</client_secret>"),
    ]);
}

#[test]
fn attributes_that_name_a_key_are_masked() {
    check(&[
        ("key and value", r#"<add key="Password" value="«hunter2»"/>"#),
        ("entry", r#"<entry key="password">«hunter2»</entry>"#),
        ("string of android", r#"<string name="api_key">«k9QzL2mXq8Zr4TwY12»</string>"#),
        ("property", r#"<property name="db.password" value="«hunter2»"/>"#),
        ("single quotes", "<param name='password' value='«hunter2»'/>"),
        (
            "other attributes",
            r#"<add type="x" key="ApiKey" lockItem="true" value="«k9QzL2mXq8Zr4TwY12»" />"#,
        ),
        ("attribute", r#"<c user="ann" password="«hunter2»"/>"#),
        ("attribute of a compound key", r#"<db connectionPassword="«hunter2»"/>"#),
        ("input", r#"<input type="password" name="password" value="«hunter2»">"#),
        ("capitals", r#"<Setting Name="Password" Value="«hunter2»"/>"#),
        ("escaped quotes", "&lt;add key=&quot;Password&quot; value=&quot;«hunter2»&quot;/&gt;"),
        ("escaped attribute", "&lt;c password=&quot;«hunter2»&quot;/&gt;"),
    ]);
}

#[test]
fn markup_without_values_stays() {
    check(&[
        ("placeholder", "usage: login <user> <password>"),
        ("two placeholders", "<password> or <token> expected"),
        ("empty", "<password></password>"),
        ("blank", "<password>  </password>"),
        ("empty element", "<password/>"),
        ("masked", "<password>****</password>"),
        ("own mask", "<password>***REDACTED***</password>"),
        ("plain name", "<monkey>hunter2x9</monkey>"),
        (
            "harmless companion",
            "<passwordPolicy>strict9</passwordPolicy><tokenCount>12</tokenCount>",
        ),
        ("input without value", r#"<input type="password" name="password" id="password"/>"#),
        ("label", r#"<label for="password">Password</label>"#),
        ("variable", "<password>${db.password}</password>"),
        ("generic type", "Vec<Token> and Option<Password>"),
        ("plain attribute", r#"<add key="Timeout" value="hunter2x9"/>"#),
        ("boolean", "<password>true</password>"),
        ("button", r#"<button name="password">Change</button>"#),
        ("another closing tag", "see <password> in </docs>"),
        ("count below", "<tokens><count>3</count></tokens>"),
        ("schema", r#"<xs:element name="password" type="xs:string"/>"#),
    ]);
}
