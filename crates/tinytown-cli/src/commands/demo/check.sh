# What CI means here: nothing is left to do, and the tests pass.
if grep -rn TODO src 2> /dev/null; then
    echo "unfinished lines"
    exit 1
fi
if [ -f tests/auth.sh ]; then
    sh tests/auth.sh || exit 1
fi
echo ok
