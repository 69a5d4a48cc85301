/* Starts TandEM: loads Python from the folder runtime and hands it the front door. Three programs come from this file:
   TandEM.exe (window), bin\tandem.exe (-DCONSOLE) and runtime\tandem-python.exe (-DPLAIN: Python for children, no console). */

#include <windows.h>
#include <wchar.h>
#include <stdlib.h>

#define LONGEST 32768
typedef int (*Main)(int, wchar_t **);

static wchar_t here[LONGEST], path[LONGEST];

static int fail(const wchar_t *what) {
    static wchar_t text[LONGEST + 256];
    _snwprintf(text, LONGEST + 255, L"%ls could not be loaded (error %lu).\n\nInstall TandEM again.", what, GetLastError());
#ifdef CONSOLE
    DWORD written;
    HANDLE out = GetStdHandle(STD_ERROR_HANDLE);
    if (!WriteConsoleW(out, text, (DWORD)wcslen(text), &written, NULL)) return 1;
#else
    MessageBoxW(NULL, text, L"TandEM", MB_OK | MB_ICONERROR);
#endif
    return 1;
}

/* The folder runtime, from where this program lies. */
static void find_runtime(void) {
    GetModuleFileNameW(NULL, here, LONGEST);
    wchar_t *end = wcsrchr(here, L'\\');
    if (end) *end = 0;
#ifdef CONSOLE
    end = wcsrchr(here, L'\\');
    if (end) *end = 0;
#endif
#ifndef PLAIN
    wcscat(here, L"\\runtime");
#endif
}

static HMODULE load(const wchar_t *name) {
    _snwprintf(path, LONGEST - 1, L"%ls\\%ls", here, name);
    return LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
}

static int start(int argc, wchar_t **argv) {
    /* Libraries that the packages share are loaded once, from here, whatever lies elsewhere on this computer. */
    static const wchar_t *shared[] = {L"vcruntime140.dll", L"vcruntime140_1.dll", L"msvcp140.dll"};
    static const wchar_t *words[] = {
        L"-X", L"utf8",
#ifndef PLAIN
        L"-I", L"-m", L"tandem_em",
#endif
    };
    const int more = sizeof words / sizeof *words;
    find_runtime();
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) load(shared[i]);
    HMODULE python = load(L"python311.dll");
    if (!python) return fail(path);
    Main run = (Main)(void *)GetProcAddress(python, "Py_Main");
    if (!run) return fail(path);
    wchar_t **all = calloc(argc + more + 1, sizeof *all);
    if (!all) return 1;
    all[0] = argv[0];
    for (int i = 0; i < more; i++) all[i + 1] = (wchar_t *)words[i];
    for (int i = 1; i < argc; i++) all[i + more] = argv[i];
    return run(argc + more, all);
}

#ifdef CONSOLE
int wmain(int argc, wchar_t **argv) { return start(argc, argv); }
#else
int WINAPI wWinMain(HINSTANCE a, HINSTANCE b, LPWSTR c, int d) {
    (void)a; (void)b; (void)c; (void)d;
    return start(__argc, __wargv);
}
#endif
