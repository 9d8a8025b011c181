//! Tables of keys: what tells, in every spelling, and what only looks as if it did.

use super::super::sign_memo::{Sign, SignMemo};
use super::*;

fn class(key: &str) -> KeyClass {
    classify_key(key.as_bytes(), None, KeyMatch::Tokens, false)
}

#[rustfmt::skip]
const SECRETS: &[(KeyClass, &str)] = &[
    (KeyClass::Password, "
        password Password PASSWORD userPassword DB_PASSWORD new.passwords pwd passwd passphrase pin otp cvv cvv2
        card-cvc pin_code securityCode PassWord passWord pass_word Pass-Phrase password_confirmation passwordConfirm
        password_again passwordRepeat passwordNew passwordPlain password_prod password_text PASSWORD_OLD password2
        password_1_old mypassword1 pgpassword PGPASSWORD PGPassword SSHPASS sshpass dbpassword DBPassword smtppass
        DB_PASS dbPass db_pass userPass userpass SMTP_PASS RABBITMQ_DEFAULT_PASS ansible_become_pass storepass
        keypass storePass MYSQL_PWD mysqlpwd rootpw adminpw root_pw ldap_bind_pw pw user[password]
        user[password_confirmation] user%5Bpassword%5D user[password][] users[0][password] wsse:Password
        soap:env:Password spring.datasource.password spring.datasource.hikari.password elasticsearch.password
        connection.password1 oldPasswordValue encryptedPassword hashed_password plainTextPassword tmpPassword
        http.proxy.password KEYSTORE_PASSWORD ssl_key_password javax.net.ssl.trustStorePassword vaultPassword
        sudo_password initial_admin_password default_password wifi_password wpa_passphrase zip_password
        archivePassword passcode door_passcode user_pin card_pin simPin totp_code otp_code mfa_code sms_code
        verification_code verificationCode recovery_codes recoveryCodes backup_codes backup_code 2fa_code
        login_code unlock_code security_answer securityAnswers secret_answer puk
        mot_de_passe motDePasse motdepasse mdp contraseña contrasena Contraseña_nueva senha SENHA_BANCO hasło
        nowe_haslo heslo geslo пароль ПАРОЛЬ парола лозинка 密码 用户密码 密碼 口令 パスワード 暗証番号 비밀번호 암호
        şifre SIFRE parola passwort Passwort Kennwort wachtwoord losenord lösenord adgangskode passord salasana
        jelszó kata_sandi mật_khẩu รหัสผ่าน पासवर्ड κωδικός 验证码 seed_phrase recoveryPhrase
        pass\u{200B}word ｐａｓｓｗｏｒｄ pass\\u0077ord confirm_password _password __password__
        $password -password --password"),
    (KeyClass::Secret, "
        secret SECRET client_secret clientSecret clientSecrets clientsecret secrets credentials credential creds
        aws_credentials private_key PrivateKey privatekey ssh_private_key secret-keys signing_key encryptionKey
        decryption_key master_key connection_string ConnectionStrings connStr SecretString secretValue secret_data
        client_secret_prod app_secret_new shared_key preshared_key PresharedKey pre_shared_key psk wpa_psk
        license_key licenseKey licenceKey account_key AccountKey storageKey storage_key aes_key aesKey hmac_key
        stripeKey STRIPE_KEY subscription_key Ocp-Apim-Subscription-Key secret_access_key AWS_SECRET_ACCESS_KEY
        accessKey access-key auth_key webhook_secret totp_secret jwt_secret secretKeyBase secret_key_base
        cookie_secret session_secret consumer_secret consumerKey client_key client-key-data client_key_pem
        recovery_key backupKey wallet_key openai_key anthropicKey sendgridKey githubKey private_jwk key_material
        geheimnis clave_privada chave_privada cle_privee 密钥 私钥 秘密鍵 pass_hash passSalt private.pem password_hash pwdHash password.hash.old"),
    (KeyClass::Token, "
        token access_token accessToken ACCESS_TOKEN auth.tokens api_key X_API_KEY APIKey apikey x-api-key apiKeyValue
        api_key_value OPENAI_API_KEY jwt jwtToken refresh-token refreshtoken refresh_token csrf_token csrf xsrf
        X-XSRF-TOKEN _csrf csrfToken csrfmiddlewaretoken authenticity_token __RequestVerificationToken id_token
        idToken bearer bearerToken token_value tokenValue token_new device_token push_token fcmToken botToken
        slack_bot_token GITHUB_TOKEN x-vault-token X-Amz-Security-Token session_id sessionId SESSION_ID session.id
        sessionid ASP.NET_SessionId JSESSIONID jsessionid PHPSESSID sid connect.sid user_sid code_verifier
        codeVerifier oauth_verifier client_assertion clientAssertion saml_response SAMLResponse authorization_code
        oauth_code signature X-Hub-Signature X-Hub-Signature-256 x-amz-signature requestSignature sas_token sasUrl
        REDISCLI_AUTH redis_auth basic_auth proxyAuth SMTP_AUTH rediscli_auth app_key APP_KEY appKey github_pat
        token[value] tokens[0] jeton токен 令牌 トークン sessionid2 session_ids"),
    (KeyClass::Cookie, "cookie Set-Cookie cookies set-cookie2 sessionCookie cookie_value HTTP_COOKIE cookie[0]"),
    (KeyClass::Auth, "
        authorization Authorization Proxy-Authorization HTTP_AUTHORIZATION authorizationHeader
        request.headers.authorization authorization[0] x-forwarded-authorization"),
];

#[rustfmt::skip]
const PERSONAL: &[(KeyClass, &str)] = &[
    (KeyClass::Name, "
        customer_name firstName first_name LAST-NAME cardholder_names beneficiary recipient payer surname patientName
        contact.name user.name users.name customer.name commit.author.name billing_name shippingName maiden_name full_name given_name family_name middleName vorname nachname
        apellido cognome prénom nazwisko фамилия 姓名 user[first_name] passenger_name"),
    (KeyClass::Email, "
        email e-mail E_MAIL userEmail email_address emailAddress contact_emails e_mails primary_email email_primary
        emailTo email_work email2 billing[email] customer.email mail_address email_confirmation"),
    (KeyClass::Phone, "
        phone HOME_PHONE phoneNumber phone_number mobile mobile_numbers tel delivery_tel fax contact_number msisdn
        telephones phone_home phone1 mobilePhone workPhone cell_number telefon whatsapp telefono teléfono celular
        handy_nr phone_e164"),
    (KeyClass::Address, "
        address billing_address shippingAddresses addr street zip_code postcode address_line_2 home_address2
        homeAddr billing_addr street_name postal_code addressLine1 customer_address user.address strasse dirección
        latitude longitude"),
    (KeyClass::Ssn, "
        ssn tax-ssn social_security socialSecurityNumber passport_number passport tax_id taxId national_id
        national_insurance nino cpf CPF cnpj aadhaar aadhaar_number nif nie dni nhs_number nhsNumber steuer_id steuerId
        steuernummer vat_number vatId vat_id id_number idNumber curp bsn pesel imei IMEI vin mrn license_plate
        licensePlate licence_plate number_plate passportNo drivers_license driver_license_number driving_licence
        codice_fiscale codiceFiscale personnummer tax_number insurance_number customer_cpf ssn_value ssn2 national_id_number
        kennzeichen kimlik_no itin ein sin 身份证号"),
    (KeyClass::Card, "
        card_number cardNumber cardNo cc_number credit_card pan debitCards creditCardNumber card_no card_num
        payment.card.number creditcard"),
    (KeyClass::Bank, "
        iban IBAN bank_account account_number accountNo sort_code routingNumber bic swift_code ifsc_code clabe
        kontonummer customer_iban iban2"),
    (KeyClass::Dob, "dob date_of_birth dateOfBirth birthDate birth_date birthday geburtsdatum birthdate user_dob"),
];

/// Keys whose values stay.
#[rustfmt::skip]
const HARMLESS: &str = "
    monkey author hostname max_tokens email_verified func_name tokenType password_policy secret_version prompt_tokens
    next_token page_token key keys has_password isSecret token_count api_key_id cache_key primary_key username
    service_name filename ip_address remoteAddr mac-address memory_address email_template phone_type isMobile mobileOs
    card_type cardBrand passenger compass passed authenticated authority tokenizer secretary telemetry addressable
    named rename id pk customer_id order_id account bank_name span_kind event_name thread_name cluster_name
    metric_name cookie_count password_expires_at secrets_loaded otp_length jwt_alg pin1 amount
    key_id public_key publicKey partition_key sort_key foreign_key row_key routing_key message_key idempotency_key
    object_key s3_key host_key unique_key group_key shard_key lock_key hash_key range_key index_key event_key
    passing bypass bypassed trespass passes pass_rate pass_count passthrough passive first_pass render_pass shadowPass
    low_pass test_pass passport_country session.duration session_count session_ttl sessionTimeout session_start
    accession tokenize tokenization detokenize secretion cookie_consent cookie_domain cookie_path cookieSecure
    cookies_accepted cookie_banner auth_method authMethod authId authorId auth_type authType auth_provider authz
    authenticator oauth oauth_provider authn keyboard keyframe keyspace keyword keywords hotkey hotKey keystroke
    keycode keyCode turnkey donkey hockey jockey whiskey pinned pinning spin spinner opinion shipping_method mapping
    pinterest pineapple gpio_pin led_pin clock_pin resetPin completion_tokens input_tokens output_tokens
    cached_tokens total_tokens tokens_used tokens_per_second max_output_tokens reasoning_tokens token_limit
    token_index eos_token pad_token bos_token_id unexpected_token syntax_token cursor_token resume_token
    token_expires_in token_expiry tokenExpiry token_ttl token_url tokenUri token_endpoint token_issuer token_kind
    token_id tokenId token_name access_token_expires_at refresh_token_ttl id_token_valid
    secretName secret_name secret_arn secretArn secretRef secret_path secret_type secrets_manager secret_count
    credential_id credentialId credential_type credentials_provider credential_source
    password_changed password_changed_at password_reset_at password_reset_required reset_password_sent_at
    password_length passwordLength password_strength password_hint password_expiry password_age password_min_length
    password_field password_verified password_enabled password_file passwordFile password_attempts
    password_last_changed must_change_password can_reset_password require_password allow_password
    cvv_verified otp_verified otp_sent_at otp_expires otp_attempts otp_enabled mfa_enabled two_factor_auth
    private_key_path private_key_id ssh_key_fingerprint key_fingerprint key_length key_size key_type
    signature_algorithm signature_version signature_valid signatureMethod method_signature function_signature
    type_signature session_id_length session_name api_key_name api_key_count apiKeyName access_key_id
    license_type license_count subscription_id account_id account_type storage_class storage_size client_id app_id
    app_name application_name stripe_customer_id stripe_event_type
    email_count email_template_id email_status email_sent_at phone_verified phone_country phone_status phone_model
    mobile_app mobile_version address_space address_family address_type bind_address listen_addr RequestAddr
    ServiceAddr ClientAddr clientAddr localAddr LocalAddr RemoteAddr ServerAddr backend_addr peer_address pod_ip
    upstream_addr rpc_addr cluster_address email_service email_worker street_view card_present cardinality
    discard standard dashboard wildcard board_name panel pandas company expand japan tinder tint casino using
    single business vintage driving divine province vinyl admin dynamic ipv4_address ipv6.address mac_addr
    nickname hostName domain host_name group_name file_name table_name column_name class_name logger_name
    process_name container_name pod_name node_name image_name queue_name topic_name index_name job_name role_name
    region bucket_name device_name product_name company_name display_name user_name login_name tenant_name
    codec error_code status_code exit_code country_code zip_file language_code decode encode http_code
    resource verifier_version question security_group security_context security_level recovery_time backup_count
    backup_path backup_size verification_status verification_method code_challenge code_challenge_method
    hash checksum digest md5 sha256 etag commit trace_id span_id traceId spanId trace.id span.id request_id
    correlation_id transaction_id message_id user_id device_id instance_id event_id
    kubernetes.pod.name kubernetes.secret.name http.request.method url.path user_agent.original log.level
    process.pid process.command_line host.name service.version event.duration
    PATH HOME SHELL TERM LANG EDITOR DISPLAY XAUTHORITY SSH_AUTH_SOCK DBUS_SESSION_BUS_ADDRESS
    sidecar inside side residence consider outside president insider decide
    authors signed signatory assertion assertions assertions_passed credit debit
    latency lateral relative long along belong line_number number nonumber mailbox mail mailer email_enabled
    telnet telescope hotel faxed mobilenet mobility birthplace date_created date_modified ibanez
    _signature _prev_signature prev_signature bad_signature
    密码长度 密码策略 パスワード長さ";

#[test]
fn telling_keys_are_recognised_in_every_spelling() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for (want, keys) in SECRETS.iter().chain(PERSONAL) {
        for key in keys.split_whitespace() {
            let found = class(key);
            if found != *want {
                wrong.push(format!("{key}: {want:?}, found {found:?}"));
            }
            rows += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows >= 200, "{rows}");
}

#[test]
fn keys_that_only_look_telling_are_plain() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for key in HARMLESS.split_whitespace().chain(["", "_", "123", "[]", "%", "é"]) {
        let found = class(key);
        if found != KeyClass::Plain {
            wrong.push(format!("{key}: {found:?}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows >= 150, "{rows}");
}

#[test]
fn a_code_is_secret_if_it_looks_drawn() {
    assert_eq!(class("code"), KeyClass::Drawn);
    for (text, want) in [
        (r#"{"code":"4/0AX4XfWh9ZkL2mQ7rT5vY8"}"#, r#"{"code":"***REDACTED***"}"#),
        (r#"{"code":"E1234","status":404}"#, r#"{"code":"E1234","status":404}"#),
    ] {
        assert_eq!(plain(&mut standard(), text), want);
    }
}

#[test]
fn the_filter_admits_every_key_that_tells() {
    let (rules, mut memo) = (Rules::standard(), SignMemo::new());
    let mut wrong = Vec::new();
    for (_, keys) in SECRETS.iter().chain(PERSONAL) {
        for key in keys.split_whitespace() {
            for (before, sign) in
                [("", "="), ("  a long text, ", ":"), ("{\"", "\":"), ("?x=1&", "=")]
            {
                let text = format!("{before}{key}{sign}x y");
                let pos = before.len() + key.len() + sign.len() - 1;
                let input = text.as_bytes();
                let may_be = super::super::key_tails::may_be(&rules, input, pos)
                    && memo.ask_at(&rules, input, pos) != Sign::Harmless;
                if !may_be {
                    wrong.push(text);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Paths to a `name`, and whether it is a person's.
const NAMES: &[(&str, bool)] = &[
    ("user", true),
    ("users", true),
    ("client.user", true),
    ("source.user", true),
    ("destination.user", true),
    ("process.real_user", true),
    ("customer", true),
    ("customers", true),
    ("authors", true),
    ("order.customer", true),
    ("owner", true),
    ("repository.owner", true),
    ("client", true),
    ("author", true),
    ("commit.author", true),
    ("committer", true),
    ("assignee", true),
    ("reviewer", true),
    ("employee", true),
    ("patient", true),
    ("contact", true),
    ("billing", true),
    ("account.holder", true),
    ("card", true),
    ("payment.cardholder", true),
    ("first", true),
    ("group", false),
    ("user.group", false),
    ("service", false),
    ("host", false),
    ("organization", false),
    ("process", false),
    ("file", false),
    ("event", false),
    ("log", false),
    ("kubernetes.pod", false),
    ("order", false),
    ("package", false),
    ("rule", false),
    ("user.agent", false),
    ("user_agent", false),
];

#[test]
fn a_name_has_one_decision_in_every_spelling() {
    for (path, is_person) in NAMES {
        let want = if *is_person { KeyClass::Name } else { KeyClass::Plain };
        let parts: Vec<_> = path.split('.').collect();
        let brackets = parts[1..].iter().map(|part| format!("[{part}]")).collect::<String>();
        let brackets = format!("{}{brackets}[name]", parts[0]);
        for key in [
            format!("{path}.name"),
            format!("{}.NAME", path.to_uppercase()),
            format!("{path}.names"),
            format!("{path}.0.name"),
            brackets.replace('[', "%5B").replace(']', "%5d"),
            brackets,
        ] {
            assert_eq!(class(&key), want, "{key}");
        }
        for parent in [*path, parts[parts.len() - 1]] {
            let below = classify_key(b"name", Some(parent.as_bytes()), KeyMatch::Tokens, false);
            assert_eq!(below, want, "name below {parent}");
        }
        // The same in a text: as JSON, nested and with dots, and as a pair.
        let value = if *is_person { "<name>" } else { "Quillfeather" };
        let nested: String = parts.iter().map(|part| format!("{{\"{part}\":")).collect();
        let ends = "}".repeat(parts.len());
        for template in [
            format!("{nested}{{\"name\":\"VALUE\"}}{ends}"),
            format!("{{\"{path}.name\":\"VALUE\"}}"),
            format!("saved {path}.name=\"VALUE\" now"),
        ] {
            let text = template.replace("VALUE", "Quillfeather");
            assert_eq!(plain(&mut standard(), &text), template.replace("VALUE", value), "{text}");
        }
    }
    // A login, which is no path.
    for key in ["user_name", "userName", "user-name", "username", "USER_NAME", ".name", "[name]"] {
        assert_eq!(class(key), KeyClass::Plain, "{key}");
    }
    assert_eq!(class("user.full_name"), KeyClass::Name);
}
