"""What STOP, START and HELP are answered, in the language they were said in."""

from collections.abc import Mapping

from wabench.replies.spoken import Command, language

_STOP: Mapping[str, str] = {
    "en": "You are unsubscribed and will get no more messages. To hear from us again, write START.",
    "ru": "Вы отписаны, сообщений больше не будет. Чтобы снова получать их, напишите СТАРТ.",
    "pt": "Você foi descadastrado e não receberá mais mensagens. Para voltar a receber, escreva INICIAR.",
    "es": "Te has dado de baja y no recibirás más mensajes. Para volver a recibirlos, escribe EMPEZAR.",
    "de": "Sie sind abgemeldet und bekommen keine Nachrichten mehr. Um sie wieder zu bekommen, schreiben Sie ANMELDEN.",
    "fr": "Vous êtes désabonné et ne recevrez plus de messages. Pour en recevoir à nouveau, écrivez REPRENDRE.",
    "it": "La tua iscrizione è annullata: non riceverai più messaggi. Per riceverli di nuovo, scrivi ISCRIVIMI.",
    "tr": "Aboneliğiniz iptal edildi, artık mesaj almayacaksınız. Yeniden almak için BAŞLA yazın.",
    "id": "Anda berhenti berlangganan dan tidak akan menerima pesan lagi. Untuk menerimanya kembali, tulis MULAI.",
    "ar": "تم إلغاء اشتراكك ولن تصلك رسائل بعد الآن. لاستلامها من جديد اكتب: ابدأ",
}
_START: Mapping[str, str] = {
    "en": "You are subscribed again. To get no more messages, write STOP.",
    "ru": "Вы снова подписаны. Чтобы больше не получать сообщений, напишите СТОП.",
    "pt": "Você voltou a receber nossas mensagens. Para não receber mais, escreva PARAR.",
    "es": "Vuelves a recibir nuestros mensajes. Para no recibir más, escribe BAJA.",
    "de": "Sie sind wieder angemeldet. Um keine Nachrichten mehr zu bekommen, schreiben Sie STOPP.",
    "fr": "Vous êtes de nouveau abonné. Pour ne plus recevoir de messages, écrivez ARRÊT.",
    "it": "Ricevi di nuovo i nostri messaggi. Per non riceverne più, scrivi CANCELLAMI.",
    "tr": "Yeniden abone oldunuz. Artık mesaj almamak için DUR yazın.",
    "id": "Anda berlangganan lagi. Untuk tidak menerima pesan lagi, tulis BERHENTI.",
    "ar": "تم تفعيل اشتراكك من جديد. لإيقاف الرسائل اكتب: توقف",
}
_HELP: Mapping[str, str] = {
    "en": "Write your question here, and a person will answer. To get no more messages, write STOP.",
    "ru": "Напишите свой вопрос здесь, и вам ответит человек. Чтобы больше не получать сообщений, напишите СТОП.",
    "pt": "Escreva sua pergunta aqui e uma pessoa responderá. Para não receber mais mensagens, escreva PARAR.",
    "es": "Escribe tu pregunta aquí y una persona te responderá. Para no recibir más mensajes, escribe BAJA.",
    "de": "Schreiben Sie Ihre Frage hier, ein Mensch antwortet. Um keine Nachrichten mehr zu bekommen: STOPP.",
    "fr": "Écrivez votre question ici, une personne vous répondra. Pour ne plus recevoir de messages, écrivez ARRÊT.",
    "it": "Scrivi qui la tua domanda e una persona risponderà. Per non ricevere più messaggi, scrivi CANCELLAMI.",
    "tr": "Sorunuzu buraya yazın, bir kişi yanıtlayacak. Artık mesaj almamak için DUR yazın.",
    "id": "Tulis pertanyaan Anda di sini, seseorang akan menjawab. Untuk tidak menerima pesan lagi, tulis BERHENTI.",
    "ar": "اكتب سؤالك هنا وسيجيبك أحد موظفينا. لإيقاف الرسائل اكتب: توقف",
}
CONFIRMATIONS: Mapping[Command, Mapping[str, str]] = {
    Command.STOP: _STOP,
    Command.START: _START,
    Command.HELP: _HELP,
}


def confirmation(command: Command, said: str) -> str:
    """Give what a command is answered, as it was said."""
    return CONFIRMATIONS[command][language(said)]
