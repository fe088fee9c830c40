# Plays a coding agent: reads its prompt, does one small thing, and says what it did.
set -eu
cat > /dev/null

say() {
    printf '{"outcome": "%s", "summary": "%s"}\n' "$1" "$2" > "$TINYTOWN_RESULT"
}

case "$TINYTOWN_KIND $TINYTOWN_ITEM" in
"review #3/review-1")
    say request_changes "The error case is not covered: test a login with a wrong password."
    ;;
"review "*)
    say approve "It does what the issue asks for."
    ;;
"design "*)
    mkdir -p docs
    cat > docs/auth-api.md << 'END'
# Auth API

- login USER PASSWORD: prints a token, or fails with "denied"
- logout TOKEN: forgets the token
- a token is the word "token-" and the user's name
END
    say done "Wrote down login, logout, tokens and errors."
    ;;
"implement "*)
    mkdir -p src
    cat > src/auth.sh << 'END'
login() {
    # TODO: look at the password
    printf 'token-%s\n' "$1"
}

logout() {
    printf 'bye %s\n' "${1#token-}"
}
END
    say done "Login and logout work."
    ;;
"fix #2/"*)
    cat > src/auth.sh << 'END'
login() {
    if [ "$2" != "secret" ]; then
        echo denied >&2
        return 1
    fi
    printf 'token-%s\n' "$1"
}

logout() {
    printf 'bye %s\n' "${1#token-}"
}
END
    say done "Login looks at the password now."
    ;;
"test "*)
    mkdir -p tests
    cat > tests/auth.sh << 'END'
. ./src/auth.sh
[ "$(login ann secret)" = token-ann ] || { echo "login gives no token"; exit 1; }
[ "$(logout token-ann)" = "bye ann" ] || { echo "logout forgets nobody"; exit 1; }
END
    say done "Tests for login and logout."
    ;;
"fix #3/"*)
    echo 'if login ann wrong 2> /dev/null; then echo "a wrong password is let in"; exit 1; fi' >> tests/auth.sh
    say done "The error case is covered."
    ;;
*)
    say stuck "I only know the three issues of the tutorial."
    ;;
esac
